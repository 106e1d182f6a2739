"""`jobs/`: submit, list, read, cancel; `webhook-secret/`: see when it was made, replace it."""

from typing import Any, override

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api_keys.types import Caller
from apps.audit.actors import actor_of
from apps.audit.api import ReadOnlyManagedViewSet
from apps.conversations.selectors import may_read_content
from apps.core.errors import AccessDenied, InvalidRequest, NotFound
from apps.core.ids import parse_public_id
from apps.gateway.authentication import tags_of
from apps.gateway.wire.fields import texts
from apps.jobs import services
from apps.jobs.api.serializers import (
    JobAskSchema,
    JobDetailSerializer,
    JobSerializer,
    WebhookSecretSchema,
)
from apps.jobs.models import Job, WebhookSecret
from apps.jobs.services import Submission
from apps.jobs.types import ID_PREFIX
from apps.jobs.webhook_secrets import rotate_secret

IDEMPOTENCY_HEADER = "Idempotency-Key"
SHOWN_STATES = OpenApiParameter("status", str, description="Only jobs in this state.")


class JobViewSet(ReadOnlyManagedViewSet):
    """A key's own project's jobs; an owner's tenant's."""

    model = Job
    scope = "jobs"
    serializer_class = JobSerializer
    search_fields = ("requested_model", "error_code", "api_key_label")
    ordering_fields = ("created_at", "finished_at", "status")
    lookup_value_regex = "[^/]+"
    # Owners alone hold it; what a job did is theirs to see and to stop.
    action_permissions = {"create": "jobs.view_job", "cancel": "jobs.view_job"}

    @override
    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset().select_related("project")
        if getattr(self, "swagger_fake_view", False):
            return rows
        if isinstance(self.request.auth, Caller):
            rows = rows.filter(project_id=self.request.auth.project_id)
        status = self.request.query_params.get("status")
        return rows.filter(status=status) if status and self.action == "list" else rows

    @override
    def get_object(self) -> Any:
        try:
            self.kwargs["pk"] = parse_public_id(ID_PREFIX, str(self.kwargs["pk"]))
        except ValueError as error:
            raise NotFound("there is no such job in this project") from error
        return super().get_object()

    @extend_schema(parameters=[SHOWN_STATES])
    @override
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the jobs, newest first, without their results."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        request=JobAskSchema,
        responses={202: JobSerializer},
        parameters=[OpenApiParameter(IDEMPOTENCY_HEADER, str, OpenApiParameter.HEADER)],
    )
    def create(self, request: Request) -> Response:
        """Submit a request to be run later; the same idempotency key gives the same job."""
        if not isinstance(request.auth, Caller):
            raise AccessDenied("a job runs with the rights of an API key: submit it with one")
        job, is_new = services.submit_job(caller=request.auth, submission=_submission(request))
        body = JobSerializer(job).data
        headers = {
            "Location": request.build_absolute_uri(f"{request.path.rstrip('/')}/{body['id']}/")
        }
        if not is_new:
            headers["Idempotent-Replayed"] = "true"
        return Response(body, status=202, headers=headers)

    @extend_schema(responses=JobDetailSerializer)
    @override
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read a job, its result or its error; a person's look is in the audit trail."""
        job = self.get_object()
        if not isinstance(request.auth, Caller):
            if not may_read_content(request.user):
                raise PermissionDenied
            services.note_reading(job=job, actor=actor_of(request))
        return Response(JobDetailSerializer(job).data)

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **_path: Any) -> Response:
        """Cancel a job that still waits."""
        job = services.cancel_job(job=self.get_object(), actor=actor_of(request))
        return Response(JobSerializer(job).data)


class WebhookSecretViewSet(ReadOnlyManagedViewSet):
    """What the tenant's webhooks are signed with."""

    model = WebhookSecret
    scope = "manage"
    serializer_class = WebhookSecretSchema
    action_permissions = {"create": "jobs.view_webhooksecret"}

    @extend_schema(responses=WebhookSecretSchema)
    @override
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say when the secret was made; it is not given again."""
        row = self.get_queryset().first()
        made = (row.created_at, row.rotated_at) if row else (None, None)
        return Response({"created_at": made[0], "rotated_at": made[1]})

    @extend_schema(request=None, responses={201: WebhookSecretSchema})
    def create(self, request: Request) -> Response:
        """Make a new secret, which replaces the old one at once; it is given this one time."""
        tenant = getattr(request.auth, "tenant_id", None) or _active_tenant_id(request)
        new = rotate_secret(tenant_id=tenant, actor=actor_of(request))
        told = {
            "created_at": new.row.created_at,
            "rotated_at": new.row.rotated_at,
            "secret": new.clear,
        }
        return Response(told, status=201, headers={"Cache-Control": "no-store"})


def _submission(request: Request) -> Submission:
    if not isinstance(request.data, dict):
        raise InvalidRequest("the body is a JSON object")
    body = dict(request.data)
    url = body.pop("webhook_url", None) or ""
    if not isinstance(url, str):
        raise InvalidRequest("webhook_url is a text", param="webhook_url")
    body["tags"] = list(tags_of(request._request, texts(body, "tags")))
    key = request.headers.get(IDEMPOTENCY_HEADER, "").strip()
    return Submission(body, webhook_url=url, idempotency_key=key)


def _active_tenant_id(request: Request) -> Any:
    tenant = getattr(request._request, "active_tenant", None)
    if tenant is None:
        raise InvalidRequest("choose a tenant first", param="tenant")
    return tenant.pk
