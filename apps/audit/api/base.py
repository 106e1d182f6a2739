"""Base views of the management API: scoped to a tenant, permitted, audited, paged."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, override

from django.db import IntegrityError, models, transaction
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import viewsets
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from apps.audit.actors import actor_of
from apps.audit.api.permissions import ScopeOrRole, is_api_key
from apps.audit.diff import action_name, difference, stored_values, values_of
from apps.audit.forms import has_tenant
from apps.audit.requests import run_in_scope
from apps.audit.services import record_change
from apps.core.errors import Conflict, InvalidRequest
from apps.core.scoping import scope_defaults, tenant_scope


class PagePagination(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class ScopedViewMixin(viewsets.GenericViewSet[Any]):
    """A view over one model that runs in the caller's tenant: the key's, or the session's.

    Subclasses set `model`; the session's scope is entered by the middleware. An answer of 400 or
    more undoes what the request wrote.
    """

    model: ClassVar[type[models.Model]]
    scope: ClassVar[str] = "manage"
    action_permissions: ClassVar[Mapping[str, str]] = {}
    permission_classes = (ScopeOrRole,)
    pagination_class = PagePagination
    filter_backends = (SearchFilter, OrderingFilter)

    @override
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self._scopes = ExitStack()
        dispatch = super().dispatch
        return run_in_scope(self._scopes, lambda: dispatch(request, *args, **kwargs))

    @override
    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        key: Any = request.auth
        if is_api_key(key):
            self._scopes.enter_context(tenant_scope(key.tenant_id))

    @override
    def get_queryset(self) -> models.QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            # The schema is made without a caller, hence without a scope.
            return models.QuerySet(self.model).none()
        return self.model._default_manager.all()


class ManagedViewSet(ScopedViewMixin, viewsets.ModelViewSet[Any]):
    """Create, read, change and delete; every write is in the audit trail."""

    @override
    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        with self.refused_as_conflict():
            obj = serializer.save(**self.owner())
        changes = {name: value for name, value in values_of(obj).items() if value is not None}
        self.record("created", obj, changes)

    @override
    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        row: Any = serializer.instance
        before = stored_values(row)
        with self.refused_as_conflict():
            obj = serializer.save()
        changes = difference(before, values_of(obj))
        if changes:
            self.record("updated", obj, changes)

    @override
    def perform_destroy(self, instance: Any) -> None:
        self.record("deleted", instance, values_of(instance))
        with self.refused_as_conflict():
            instance.delete()

    def record(self, verb: str, obj: models.Model, changes: Mapping[str, Any]) -> None:
        """Write one entry of the trail in the caller's name."""
        record_change(
            actor=actor_of(self.request),
            action=action_name(obj, verb),
            obj=obj,
            changes=changes,
        )

    def owner(self) -> dict[str, Any]:
        """Return the tenant of a new row; raises InvalidRequest where a tenant must be chosen."""
        if not has_tenant(self.model):
            return {}
        owner = scope_defaults()
        if not owner and not self.model._meta.get_field("tenant").null:
            raise InvalidRequest(_("Choose a tenant first."), param="tenant")
        return owner

    @contextmanager
    def refused_as_conflict(self) -> Iterator[None]:
        """Turn the data base's refusals into Conflict, with the transaction still usable."""
        try:
            with transaction.atomic():
                yield
        except (models.ProtectedError, models.RestrictedError) as error:
            raise Conflict(_("It is still in use and cannot be deleted.")) from error
        except IntegrityError as error:
            raise Conflict(_("There is one like this already.")) from error


class ReadOnlyManagedViewSet(ScopedViewMixin, viewsets.ReadOnlyModelViewSet[Any]):
    """List and read only."""
