"""`members/`: the people of the caller's tenant."""

from typing import Any, override

from django.db.models import QuerySet
from rest_framework.serializers import BaseSerializer

from apps.accounts.api.serializers import MemberRoleSerializer, MemberSerializer
from apps.accounts.models import Membership
from apps.accounts.services import add_member, change_role, remove_member
from apps.audit.actors import actor_of
from apps.audit.api import ManagedViewSet


class MemberViewSet(ManagedViewSet):
    """Add people by e-mail address, change their roles, remove them."""

    model = Membership
    serializer_class = MemberSerializer
    search_fields = ("user__email", "user__name", "role")
    ordering_fields = ("user__email", "role", "created_at")

    @override
    def get_queryset(self) -> QuerySet[Membership]:
        return super().get_queryset().select_related("user")

    @override
    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return (
            MemberRoleSerializer
            if self.action in {"update", "partial_update"}
            else MemberSerializer
        )

    @override
    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        person = serializer.validated_data["user"]
        serializer.instance = add_member(
            tenant_id=self.owner()["tenant_id"],
            email=person["email"],
            name=person["name"],
            role=serializer.validated_data["role"],
            actor=actor_of(self.request),
        )

    @override
    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        membership: Any = serializer.instance
        role = serializer.validated_data.get("role", membership.role)
        change_role(membership=membership, role=role, actor=actor_of(self.request))

    @override
    def perform_destroy(self, instance: Any) -> None:
        remove_member(membership=instance, actor=actor_of(self.request))
