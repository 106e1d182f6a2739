"""Templates and versions for the tests of prompts."""

from typing import Any

from apps.audit.models import AuditEntry
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants, tenant_scope
from apps.prompts import prompt_manager
from apps.prompts.models import PromptTemplate, PromptVersion
from apps.tenants.models import Tenant
from tests.factories.people import make_tenant

HELLO = [{"role": "user", "text": "Hello {{ name }}"}]
NAME = [{"name": "name", "type": "text", "required": True}]


def make_template(tenant: Tenant | None = None, slug: str = "greeting") -> PromptTemplate:
    """Create a template without a version."""
    owner = tenant or make_tenant()
    with tenant_scope(owner.pk):
        template = prompt_manager.create_template(
            tenant_id=owner.pk, slug=slug, name=slug.title(), actor=SYSTEM
        )
    # Known already: outside of a scope it could not be read.
    template.tenant = owner
    return template


def make_version(template: PromptTemplate, text: str = "", *, live: bool = False) -> PromptVersion:
    """Add a version that says the text, and make it live if asked."""
    messages = [{"role": "user", "text": text}] if text else HELLO
    with tenant_scope(template.tenant_id):
        version = prompt_manager.create_version(
            template=template,
            messages=messages,
            variables=NAME if not text or "{{ name }}" in text else [],
            actor=SYSTEM,
        )
        if live:
            prompt_manager.make_live(version=version, actor=SYSTEM)
    return version


def reread(template: PromptTemplate) -> PromptTemplate:
    with tenant_scope(template.tenant_id):
        found: PromptTemplate = PromptTemplate.objects.select_related("live_version").get(
            pk=template.pk
        )
    return found


def live_number(template: PromptTemplate) -> int | None:
    live = reread(template).live_version
    return live.number if live else None


def trail_of(tenant: Tenant) -> list[tuple[str, dict[str, Any]]]:
    """Return action and changes of the tenant's entries, oldest first."""
    with all_tenants("tests"):
        rows = AuditEntry.objects.filter(tenant_id=tenant.pk).order_by("sequence")
        return list(rows.values_list("action", "changes"))
