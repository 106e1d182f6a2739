"""Paths under /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.routing.api.views import (
    GrantViewSet,
    ModelAliasViewSet,
    ReleaseViewSet,
    RuleSetViewSet,
    RuleViewSet,
)

router = SimpleRouter()
router.register("rule-sets", RuleSetViewSet, basename="rule-set")
router.register("rules", RuleViewSet, basename="rule")
router.register("aliases", ModelAliasViewSet, basename="alias")
router.register("grants", GrantViewSet, basename="grant")
router.register("releases", ReleaseViewSet, basename="release")

urlpatterns = router.urls
