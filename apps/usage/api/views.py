"""`GET usage` (report, JSON or CSV) and `GET requests` (the log)."""

from typing import Any, ClassVar, override

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit.api import ReadOnlyManagedViewSet
from apps.audit.api.base import ScopedViewMixin
from apps.core.errors import InvalidRequest, NotFound
from apps.core.ids import parse_public_id
from apps.usage.api.serializers import RequestDetailSerializer, RequestSerializer, UsageSerializer
from apps.usage.filters import LABELS, parse_filter
from apps.usage.models import RequestLog
from apps.usage.report_csv import report_csv
from apps.usage.selectors import DIMENSIONS, grouped, totals

PARAMETERS = [
    OpenApiParameter("from", str, description="First day, 2026-11-01 (UTC)."),
    OpenApiParameter("to", str, description="Last day, inclusive."),
    OpenApiParameter("group_by", str, enum=list(DIMENSIONS)),
    *(OpenApiParameter(name, str, description=f"Only this {name}.") for name in LABELS),
    OpenApiParameter("export", str, enum=["csv"], description="The groups as a CSV file."),
]


class UsageViewSet(ScopedViewMixin):
    """Spend, requests, errors, p95 latency and cache share, in total and by group."""

    model = RequestLog
    scope: ClassVar[str] = "usage"
    serializer_class = UsageSerializer

    @extend_schema(operation_id="usage_report", parameters=PARAMETERS, responses=UsageSerializer)
    def list(self, request: Request) -> Response | HttpResponse:
        wanted = parse_filter(request.query_params)
        dimension = request.query_params.get("group_by", "day")
        if dimension not in DIMENSIONS:
            known = ", ".join(DIMENSIONS)
            raise InvalidRequest(f"group_by is one of: {known}", param="group_by")
        groups = grouped(wanted, dimension)
        if request.query_params.get("export") == "csv":
            return report_csv(groups, dimension)
        report = {
            "from": wanted.start,
            "to": wanted.end,
            "group_by": dimension,
            "totals": totals(wanted),
            "groups": groups,
        }
        return Response(UsageSerializer(report).data)


class RequestViewSet(ReadOnlyManagedViewSet):
    """The request log; one request with its trace and attempts by `req_…`."""

    model = RequestLog
    scope: ClassVar[str] = "usage"
    serializer_class = RequestSerializer
    search_fields = ("model", "rule", "key", "error_code")
    ordering_fields = ("at", "cost", "total_ms")

    @override
    def get_serializer_class(self) -> type[Any]:
        return RequestDetailSerializer if self.action == "retrieve" else RequestSerializer

    @override
    def get_object(self) -> RequestLog:
        try:
            id_ = parse_public_id("req", self.kwargs["pk"])
        except ValueError as error:
            raise NotFound("there is no such request") from error
        row: RequestLog | None = self.get_queryset().filter(id=id_).first()
        if row is None:
            raise NotFound("there is no such request")
        return row
