"""Paths under /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.prompts.api.views import PromptTemplateViewSet

router = SimpleRouter()
router.register("prompts", PromptTemplateViewSet, basename="prompt")

urlpatterns = router.urls
