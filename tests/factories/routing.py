"""Published sites, rules, aliases and grants for tests; tenant None is the platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.prompts import prompt_manager
from apps.prompts.models import PromptTemplate
from apps.providers.catalogue.loading import load_catalogue
from apps.providers.models import LlmModel
from apps.routing import route_manager
from apps.routing.models import (
    AliasTarget,
    Grant,
    HolidayCalendar,
    ModelAlias,
    Rule,
    RuleSet,
    RuleTarget,
)
from apps.routing.types import Publication
from apps.tenants.models import Project, Tenant
from tests.factories.people import make_project, make_tenant

SIMULATED = ("sim-small", "sim-large", "sim-long")

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Site:
    """A tenant that can be served: a project, granted models, both snapshots published."""

    tenant: Tenant
    project: Project
    models: tuple[str, ...]

    @property
    def tenant_id(self) -> UUID:
        return self.tenant.id


def make_site(slug: str = "acme", *, models: Sequence[str] = SIMULATED) -> Site:
    """Create a tenant with a project and grants, and publish; the catalogue is loaded once."""
    with all_tenants("tests"):
        load_catalogue()
        tenant = make_tenant(slug=slug, name=slug.title())
        project = make_project(tenant, slug="support", name="Support")
        for name in models:
            make_grant(tenant, name)
        if route_manager.live_release(None) is None:
            publish(None)
        publish(tenant)
    return Site(tenant, project, tuple(models))


def publish(tenant: Tenant | None, comment: str = "") -> Publication:
    """Publish the draft of a tenant, or of the platform."""
    with all_tenants("tests"):
        return route_manager.publish(
            tenant_id=tenant.id if tenant else None, actor=SYSTEM, comment=comment
        )


def make_grant(tenant: Tenant, model: str) -> Grant:
    """Let the tenant use one of the platform's models."""
    with all_tenants("tests"):
        grant: Grant = Grant.objects.create(tenant=tenant, llm_model=_model(model))
    return grant


def make_rule_set(tenant: Tenant | None, **fields: Any) -> RuleSet:
    """Create a rule set; `project` makes it the project's."""
    values = {"name": f"Rules {next(_numbers):04}", **fields}
    with all_tenants("tests"):
        rule_set: RuleSet = RuleSet.objects.create(tenant=tenant, **values)
    return rule_set


def make_rule(
    tenant: Tenant | None,
    *,
    targets: Sequence[str] = ("sim-small",),
    conditions: Mapping[str, Any] | None = None,
    rule_set: RuleSet | None = None,
    **fields: Any,
) -> Rule:
    """Create a rule of the draft (publish to make it live); without conditions it always holds."""
    number = next(_numbers)
    values = {"name": f"Rule {number}", "position": number, **fields}
    with all_tenants("tests"):
        rule: Rule = Rule.objects.create(
            tenant=tenant,
            rule_set=rule_set or make_rule_set(tenant),
            conditions=dict(conditions or {}),
            **values,
        )
        for position, name in enumerate(targets):
            RuleTarget.objects.create(
                tenant=tenant, rule=rule, llm_model=_model(name), position=position
            )
    return rule


def make_alias(
    tenant: Tenant, name: str = "fast", targets: Sequence[str] = ("sim-small",)
) -> ModelAlias:
    """Create an alias of the draft; publish to make it live."""
    with all_tenants("tests"):
        alias: ModelAlias = ModelAlias.objects.create(tenant=tenant, name=name)
        for position, model in enumerate(targets):
            AliasTarget.objects.create(
                tenant=tenant, alias=alias, llm_model=_model(model), position=position
            )
    return alias


def make_calendar(tenant: Tenant | None, name: str = "ours", **fields: Any) -> HolidayCalendar:
    """Create a holiday calendar of the tenant, or of the platform."""
    with all_tenants("tests"):
        calendar: HolidayCalendar = HolidayCalendar.objects.create(
            tenant=tenant, name=name, **fields
        )
    return calendar


def make_live_prompt(tenant: Tenant, slug: str = "tone", text: str = "Be kind.") -> PromptTemplate:
    """Create a prompt template whose only version is live, as a system message."""
    with all_tenants("tests"):
        template = prompt_manager.create_template(
            tenant_id=tenant.id, slug=slug, name=slug, actor=SYSTEM
        )
        messages = [{"role": "system", "text": text}]
        version = prompt_manager.create_version(
            template=template, messages=messages, variables=[], actor=SYSTEM
        )
        return prompt_manager.make_live(version=version, actor=SYSTEM)


def clause(field: str, operator: str, value: Any) -> dict[str, Any]:
    """Return one condition as the tree holds it."""
    return {"field": field, "operator": operator, "value": value}


def _model(name: str) -> LlmModel:
    return LlmModel.objects.get(name=name)
