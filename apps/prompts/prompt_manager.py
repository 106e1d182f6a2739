"""Prompt Manager: writes of prompt templates. Versions are added, never changed; one is live.

What is live here reaches the data plane with the tenant's next publish, like every other change.
"""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, ProtectedError

from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.core.errors import Conflict, NotFound
from apps.prompts.models import PromptTemplate, PromptVersion
from apps.prompts.problems import TemplateRefused
from apps.prompts.prompt_engine import CompiledPrompt, compile_prompt
from apps.prompts.template_grammar import TemplateProblem


def create_template(
    *, tenant_id: UUID, slug: str, name: str, description: str = "", actor: Actor
) -> PromptTemplate:
    """Create a template without a version; raises Conflict when the short name is taken."""
    try:
        with transaction.atomic():
            template: PromptTemplate = PromptTemplate.objects.create(
                tenant_id=tenant_id, slug=slug, name=name, description=description
            )
    except IntegrityError as error:
        message = f"there is a prompt template {slug!r} already"
        raise Conflict(message, param="slug") from error
    changes = {"slug": slug, "name": name, "description": description}
    record_change(actor=actor, action="prompts.template_created", obj=template, changes=changes)
    return template


def change_template(
    *, template: PromptTemplate, name: str, description: str, actor: Actor
) -> PromptTemplate:
    """Change what people read; the short name stays, because rules and clients call it."""
    before = PromptTemplate.objects.get(pk=template.pk)
    new = {"name": name, "description": description}
    changes = {
        field: [getattr(before, field), value]
        for field, value in new.items()
        if getattr(before, field) != value
    }
    template.name, template.description = name, description
    if changes:
        template.save(update_fields=list(new))
        record_change(actor=actor, action="prompts.template_changed", obj=template, changes=changes)
    return template


def create_version(
    *, template: PromptTemplate, messages: Any, variables: Any, comment: str = "", actor: Actor
) -> PromptVersion:
    """Add the next version; raises InvalidRequest naming the message or variable and the fix."""
    check_version(slug=template.slug, messages=messages, variables=variables)
    # The lock keeps two authors from taking the same number.
    locked = PromptTemplate.objects.select_for_update(of=("self",)).get(pk=template.pk)
    newest = locked.versions.aggregate(newest=Max("number"))["newest"] or 0
    version: PromptVersion = PromptVersion.objects.create(
        tenant_id=locked.tenant_id,
        template=locked,
        number=newest + 1,
        messages=messages,
        variables=variables,
        comment=comment,
        author_label=actor.label,
    )
    changes = {"number": version.number, "comment": comment}
    record_change(actor=actor, action="prompts.version_created", obj=version, changes=changes)
    return version


def check_version(*, slug: str, messages: Any, variables: Any, number: int = 0) -> CompiledPrompt:
    """Compile without saving (preview); raises InvalidRequest like `create_version`."""
    try:
        return compile_prompt(slug=slug, version=number, messages=messages, variables=variables)
    except TemplateProblem as problem:
        raise TemplateRefused(problem) from problem


def make_live(*, version: PromptVersion, actor: Actor, reason: str = "") -> PromptTemplate:
    """Make a version the live one; it is used from the tenant's next publish on."""
    template: PromptTemplate = (
        PromptTemplate.objects.select_for_update(of=("self",))
        .select_related("live_version")
        .get(pk=version.template_id)
    )
    before = template.live_version.number if template.live_version else None
    if before == version.number:
        return template
    template.live_version = version
    template.save(update_fields=["live_version"])
    record_change(
        actor=actor,
        action="prompts.version_made_live",
        obj=template,
        changes={"live_version": [before, version.number]},
        reason=reason,
    )
    return template


def roll_back(*, template: PromptTemplate, actor: Actor, reason: str = "") -> PromptVersion:
    """Make the version before the live one live; raises NotFound when there is none."""
    live = template.live_version
    older = template.versions.filter(number__lt=live.number) if live else template.versions.none()
    previous: PromptVersion | None = older.order_by("-number").first()
    if previous is None:
        raise NotFound("there is no version before the live one")
    make_live(version=previous, actor=actor, reason=reason)
    return previous


def delete_template(*, template: PromptTemplate, actor: Actor, reason: str = "") -> None:
    """Delete a template with its versions; raises Conflict when a rule still uses it."""
    changes = {"slug": template.slug, "versions": template.versions.count()}
    try:
        with transaction.atomic():
            record_change(
                actor=actor,
                action="prompts.template_deleted",
                obj=template,
                changes=changes,
                reason=reason,
            )
            template.delete()
    except ProtectedError as error:
        raise Conflict(f"a rule still uses the prompt template {template.slug!r}") from error
