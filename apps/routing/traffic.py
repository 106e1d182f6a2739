"""The switches of providers, models and deployments: who is touched, and turning them at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.core.scoping import current_scope
from apps.providers.enums import Traffic
from apps.providers.models import Deployment, LlmModel, Provider
from apps.routing import route_manager
from apps.routing.models import Release
from apps.routing.rule_records import modern_rule
from apps.routing.types import Publication

type Switchable = Provider | LlmModel | Deployment

TABLES: dict[str, type[models.Model]] = {
    "provider": Provider,
    "llmmodel": LlmModel,
    "deployment": Deployment,
}
# From a deployment to what is switched.
PATHS = {"provider": "llm_model__provider", "llmmodel": "llm_model", "deployment": "pk"}


@dataclass(frozen=True, slots=True)
class Touched:
    """What a switch reaches: deployments, the tenants that own some, live rules that name it."""

    models: tuple[str, ...]
    deployments: tuple[str, ...]
    tenants: frozenset[UUID]
    rules: tuple[str, ...]
    is_platform: bool


def rows_of(kind: str, ids: Iterable[Any]) -> list[Any]:
    """Return the rows in scope, by name."""
    rows: QuerySet[Any] = TABLES[kind]._default_manager.filter(pk__in=list(ids))
    return list(rows.order_by("name"))


def is_the_platforms(kind: str, rows: Sequence[Any]) -> bool:
    """Tell whether only the platform's scope may switch them."""
    return kind != "deployment" or any(row.tenant_id is None for row in rows)


def touched_by(kind: str, rows: Sequence[Any]) -> Touched:
    """Return what switching these rows reaches, as far as the scope may see."""
    ids = [row.pk for row in rows]
    served = Deployment.objects.filter(**{f"{PATHS[kind]}__in": ids}).select_related("llm_model")
    deployments = list(served.order_by("name"))
    names = {item.llm_model.name for item in deployments}
    if kind != "deployment":
        field = "provider_id" if kind == "provider" else "pk"
        names.update(
            LlmModel.objects.filter(**{f"{field}__in": ids}).values_list("name", flat=True)
        )
    owners = {item.tenant_id for item in deployments}
    return Touched(
        models=tuple(sorted(names)),
        deployments=tuple(item.name for item in deployments),
        tenants=frozenset(owner for owner in owners if owner is not None),
        rules=_live_rules(names),
        is_platform=kind != "deployment" or None in owners,
    )


def switch_traffic(
    *, kind: str, rows: Sequence[Any], traffic: str, actor: Actor, reason: str = ""
) -> list[Publication]:
    """Turn the switches, and publish what runs again with them: it holds for the next request.

    Drafts stay drafts: the live rules are published again, not what people are editing. Runs in a
    scope that may write the rows.
    """
    switched = [row for row in rows if row.traffic != traffic]
    for row in switched:
        changes = {"traffic": [row.traffic, traffic]}
        row.traffic = Traffic(traffic).value
        row.save(update_fields=["traffic"])
        action = f"providers.{kind}_switched"
        record_change(actor=actor, action=action, obj=row, changes=changes, reason=reason)
    if not switched:
        return []
    comment = _("%(names)s: %(traffic)s. %(reason)s") % {
        "names": ", ".join(row.name for row in switched),
        "traffic": Traffic(traffic).label,
        "reason": reason,
    }
    owners = _owners(touched_by(kind, switched))
    done = (
        route_manager.republish(tenant_id=owner, actor=actor, comment=comment.strip())
        for owner in owners
    )
    return [publication for publication in done if publication is not None]


def _owners(touched: Touched) -> list[UUID | None]:
    """Return whose releases hold the switch: the catalogue is the platform's."""
    tenants = sorted(touched.tenants)
    return [None, *tenants] if touched.is_platform else [*tenants]


def _live_rules(names: set[str]) -> tuple[str, ...]:
    """Name the live rules that route to one of the models, in the scope's own releases."""
    scope = current_scope()
    releases = Release.objects.filter(state="live")
    if not scope.is_platform:
        releases = releases.filter(Q(tenant_id=scope.tenant_id))
    rules = (
        modern_rule(rule)
        for snapshot in releases.values_list("snapshot", flat=True)
        for rule in snapshot["rules"]
    )
    return tuple(sorted({rule["name"] for rule in rules if names & _models_of(rule)}))


def _models_of(rule: dict[str, Any]) -> set[str]:
    arms = (name for arm in rule["arms"] for name in arm["targets"])
    return {*(target["model"] for target in rule["targets"]), *arms}
