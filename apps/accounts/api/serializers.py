"""Members as JSON: a person's address and role in the tenant."""

from rest_framework import serializers

from apps.accounts.models import Membership


class MemberSerializer(serializers.ModelSerializer[Membership]):
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name", required=False, default="", max_length=150)

    class Meta:
        model = Membership
        fields = ("id", "email", "name", "role", "created_at")
        read_only_fields = ("id", "created_at")


class MemberRoleSerializer(serializers.ModelSerializer[Membership]):
    """What may change later: the role. The person's own data is not the tenant's to edit."""

    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "email", "name", "role", "created_at")
        read_only_fields = ("id", "created_at")
