"""Paths under /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.accounts.api.views import MemberViewSet

router = SimpleRouter()
router.register("members", MemberViewSet, basename="member")

urlpatterns = router.urls
