"""The switches of providers, models and deployments: shown in lists, turned on a page of their own.

That page belongs to `routing`, which makes a switch take effect at once; here it is only named.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from apps.providers.enums import Traffic

TRAFFIC_COLOURS = {"on": "success", "drain": "warning", "off": "danger"}
SHOWN = {Traffic.ON: _("On"), Traffic.DRAIN: _("Draining"), Traffic.OFF: _("Off")}


def shown_traffic(traffic: str) -> tuple[str, Any]:
    """Return a switch as lists show it, coloured by the first part."""
    return traffic, SHOWN[Traffic(traffic)]


def switch_page(kind: str, ids: Iterable[Any], traffic: str) -> HttpResponseRedirect:
    """Lead to the page that says what a switch touches and asks for a yes."""
    query = urlencode([("kind", kind), ("traffic", traffic), *(("id", id_) for id_ in ids)])
    return HttpResponseRedirect(f"{reverse('admin:routing_traffic')}?{query}")


class TrafficActionsMixin:
    """Adds "Switch on", "Drain" and "Switch off" to a list and to the pages of its rows."""

    model: type[models.Model]
    actions: ClassVar[tuple[str, ...]] = ("switch_on", "drain", "switch_off")
    actions_detail: ClassVar[tuple[Any, ...]] = (
        {"title": _("Traffic"), "items": ["row_on", "row_drain", "row_off"]},
    )

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, _request: HttpRequest, rows: models.QuerySet[Any]) -> HttpResponseRedirect:
        return self._selected(rows, Traffic.ON)

    @admin.action(description=_("Drain"), permissions=["change"])
    def drain(self, _request: HttpRequest, rows: models.QuerySet[Any]) -> HttpResponseRedirect:
        return self._selected(rows, Traffic.DRAIN)

    @admin.action(description=_("Switch off"), permissions=["change"])
    def switch_off(self, _request: HttpRequest, rows: models.QuerySet[Any]) -> HttpResponseRedirect:
        return self._selected(rows, Traffic.OFF)

    @action(description=_("Switch on"), url_path="switch-on", permissions=["switch"])
    def row_on(self, _request: HttpRequest, object_id: Any) -> HttpResponseRedirect:
        return switch_page(self._kind, [object_id], Traffic.ON)

    @action(description=_("Drain"), url_path="drain", permissions=["switch"])
    def row_drain(self, _request: HttpRequest, object_id: Any) -> HttpResponseRedirect:
        return switch_page(self._kind, [object_id], Traffic.DRAIN)

    @action(description=_("Switch off"), url_path="switch-off", permissions=["switch"])
    def row_off(self, _request: HttpRequest, object_id: Any) -> HttpResponseRedirect:
        return switch_page(self._kind, [object_id], Traffic.OFF)

    def has_switch_permission(self, request: HttpRequest, _object_id: Any = None) -> bool:
        """Tell whether there is a point in offering it; the page itself asks for each row."""
        parent: Any = self
        return bool(parent.has_change_permission(request))

    @property
    def _kind(self) -> str:
        return str(self.model._meta.model_name)

    def _selected(self, rows: models.QuerySet[Any], traffic: str) -> HttpResponseRedirect:
        return switch_page(self._kind, rows.values_list("pk", flat=True), traffic)
