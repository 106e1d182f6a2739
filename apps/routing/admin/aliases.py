"""Model aliases and grants in the admin."""

from typing import override

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.audit.admin import AuditedModelAdmin, AuditedTabularInline
from apps.routing.admin.publish_links import DraftChangesMixin
from apps.routing.models import AliasTarget, Grant, ModelAlias


class AliasTargetInline(AuditedTabularInline):
    """The models behind an alias, tried from top to bottom."""

    model = AliasTarget
    extra = 1
    fields = ("llm_model", "position")
    ordering_field = "position"
    hide_ordering_field = True
    autocomplete_fields = ("llm_model",)
    verbose_name_plural = _("Models, tried from top to bottom")


@admin.register(ModelAlias)
class ModelAliasAdmin(DraftChangesMixin, AuditedModelAdmin):
    """A tenant's own names for models; "auto" is its default."""

    inlines = (AliasTargetInline,)
    list_display = ("name", "behind")
    search_fields = ("name",)
    list_select_related = ("tenant",)
    empty_list_text = _(
        "An alias lets clients ask for “support-fast” instead of a vendor's model. The alias "
        "“auto” answers requests that name no model."
    )

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelAlias]:
        rows: QuerySet[ModelAlias] = super().get_queryset(request)
        return rows.prefetch_related("targets__llm_model")

    @display(description=_("Models"))
    def behind(self, alias: ModelAlias) -> str:
        return " → ".join(target.llm_model.name for target in alias.targets.all())


@admin.register(Grant)
class GrantAdmin(DraftChangesMixin, AuditedModelAdmin):
    """Which of the platform's models a tenant may use."""

    list_display = ("llm_model",)
    search_fields = ("llm_model__name",)
    list_select_related = ("tenant", "llm_model")
    autocomplete_fields = ("llm_model",)
    empty_list_text = _("A grant lets a tenant use one of the platform's models.")
