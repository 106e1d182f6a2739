"""Prompts in the tenant's snapshot: live versions as plain data, and back as compiled prompts."""

from collections.abc import Mapping
from typing import Any

from apps.prompts.models import PromptTemplate
from apps.prompts.prompt_engine import CompiledPrompt, compile_prompt
from apps.tenants.models import Tenant


def prompt_records(tenant: Tenant) -> dict[str, dict[str, Any]]:
    """Return the live version of each of the tenant's templates by short name, ready for JSON."""
    templates = (
        PromptTemplate.objects.filter(tenant=tenant, live_version__isnull=False)
        .select_related("live_version")
        .order_by("slug")
    )
    return {template.slug: _record(template) for template in templates}


def load_prompts(records: Mapping[str, Mapping[str, Any]]) -> dict[str, CompiledPrompt]:
    """Compile the records of a snapshot; raises when one does not compile: refuse it then."""
    return {
        slug: compile_prompt(
            slug=slug,
            version=record["version"],
            messages=record["messages"],
            variables=record["variables"],
        )
        for slug, record in records.items()
    }


def _record(template: PromptTemplate) -> dict[str, Any]:
    version = template.live_version
    if version is None:
        raise ValueError(f"{template.slug} has no live version")
    return {
        "version": version.number,
        "messages": version.messages,
        "variables": version.variables,
    }
