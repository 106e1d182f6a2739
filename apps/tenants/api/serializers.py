"""Tenants and projects as JSON."""

from rest_framework import serializers

from apps.tenants.models import Project, Tenant


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    class Meta:
        model = Tenant
        fields = ("id", "slug", "name", "is_active", "language", "time_zone", "created_at")
        read_only_fields = fields


class ProjectSerializer(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = (
            *("id", "slug", "name", "is_active", "store_content", "allowed_regions", "data_class"),
            "created_at",
        )
        read_only_fields = ("id", "created_at")
