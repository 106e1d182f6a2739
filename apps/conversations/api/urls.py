"""Paths under /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.conversations.api.views import ConversationViewSet

router = SimpleRouter()
router.register("conversations", ConversationViewSet, basename="conversation")

urlpatterns = router.urls
