"""Paths under /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.routing.api.traffic import TrafficViewSet
from apps.routing.api.views import (
    GrantViewSet,
    HolidayCalendarViewSet,
    ModelAliasViewSet,
    ReleaseViewSet,
    RuleSetViewSet,
    RuleViewSet,
)

router = SimpleRouter()
router.register("rule-sets", RuleSetViewSet, basename="rule-set")
router.register("rules", RuleViewSet, basename="rule")
router.register("aliases", ModelAliasViewSet, basename="alias")
router.register("calendars", HolidayCalendarViewSet, basename="calendar")
router.register("grants", GrantViewSet, basename="grant")
router.register("releases", ReleaseViewSet, basename="release")
router.register("traffic", TrafficViewSet, basename="traffic")

urlpatterns = router.urls
