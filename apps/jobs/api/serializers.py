"""Jobs as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.ids import public_id
from apps.gateway.api.schemas import AnswerSchema, AskSchema
from apps.jobs.models import Job
from apps.jobs.selectors import open_result
from apps.jobs.types import ID_PREFIX


class JobErrorSchema(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class JobWebhookSchema(serializers.Serializer[Any]):
    url = serializers.CharField()
    status = serializers.CharField()
    attempts = serializers.IntegerField()
    error = serializers.CharField()


class JobSerializer(serializers.ModelSerializer[Job]):
    """A job without its result."""

    id = serializers.SerializerMethodField()
    project = serializers.CharField(source="project.slug", read_only=True)
    model = serializers.CharField(source="requested_model", read_only=True)
    request_id = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    webhook = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields: tuple[str, ...] = (
            *("id", "status", "project", "model", "attempts", "request_id", "error", "webhook"),
            *("created_at", "started_at", "finished_at"),
        )
        read_only_fields = fields

    def get_id(self, job: Job) -> str:
        return public_id(ID_PREFIX, job.id)

    def get_request_id(self, job: Job) -> str | None:
        """The request in usage and logs, as its last attempt was called."""
        return public_id("req", job.request_id) if job.request_id else None

    @extend_schema_field(JobErrorSchema(allow_null=True))
    def get_error(self, job: Job) -> Any:
        if not job.error_code:
            return None
        return JobErrorSchema({"code": job.error_code, "message": job.error_message}).data

    @extend_schema_field(JobWebhookSchema(allow_null=True))
    def get_webhook(self, job: Job) -> Any:
        if not job.webhook_url:
            return None
        told = {
            "url": job.webhook_url,
            "status": job.webhook_status,
            "attempts": job.webhook_attempts,
            "error": job.webhook_error,
        }
        return JobWebhookSchema(told).data


class JobDetailSerializer(JobSerializer):
    """A job with its result, which is what `complete` would have answered."""

    result = serializers.SerializerMethodField()

    class Meta(JobSerializer.Meta):
        fields = (*JobSerializer.Meta.fields, "result")
        read_only_fields = fields

    @extend_schema_field(AnswerSchema(allow_null=True))
    def get_result(self, job: Job) -> Any:
        return open_result(job)


class JobAskSchema(AskSchema):
    """The body of `complete`, and where to tell that the job has ended."""

    webhook_url = serializers.URLField(required=False)


class WebhookSecretSchema(serializers.Serializer[Any]):
    """`secret` is given once, when it is made."""

    created_at = serializers.DateTimeField(allow_null=True)
    rotated_at = serializers.DateTimeField(allow_null=True)
    secret = serializers.CharField(required=False)
