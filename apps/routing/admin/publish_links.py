"""Pages whose changes wait for a publish: they say so, and lead to it."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action


class DraftChangesMixin:
    """Adds "Review and publish" to lists and detail pages."""

    actions_list: ClassVar[tuple[str, ...]] = ("review_and_publish",)
    actions_detail: ClassVar[tuple[str, ...]] = ("review_and_publish_from_row",)

    @action(description=_("Review and publish"), url_path="review", icon="rocket_launch")
    def review_and_publish(self, _request: HttpRequest) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:routing_release_publish"))

    @action(description=_("Review and publish"), url_path="review-row", icon="rocket_launch")
    def review_and_publish_from_row(
        self,
        _request: HttpRequest,
        object_id: Any,  # noqa: ARG002 - unfold's
    ) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:routing_release_publish"))
