"""Writes of prompts: versions are added, never changed; one is live; all of it is in the trail."""

import pytest
from django.db import DatabaseError, transaction

from apps.audit.models import AuditEntry
from apps.audit.types import Actor
from apps.core.errors import Conflict, InvalidRequest, NotFound
from apps.core.scoping import tenant_scope
from apps.prompts import prompt_manager
from apps.prompts.models import PromptTemplate, PromptVersion
from apps.prompts.snapshot import prompt_records
from apps.routing.models import Rule, RuleSet
from tests.factories.people import make_tenant
from tests.prompts.templates import (
    HELLO,
    NAME,
    live_number,
    make_template,
    make_version,
    reread,
    trail_of,
)

pytestmark = pytest.mark.django_db
ANA = Actor(kind="user", id="1", label="ana@example.com")


def test_create_template__taken_short_name__is_a_conflict_in_its_tenant_only() -> None:
    template = make_template(slug="greeting")
    with pytest.raises(Conflict) as refused:
        make_template(template.tenant, slug="greeting")
    assert refused.value.param == "slug"
    assert make_template(slug="greeting").slug == "greeting"


def test_create_version__one_after_another__are_numbered_with_their_author() -> None:
    template = make_template()
    with tenant_scope(template.tenant_id):
        versions = [
            prompt_manager.create_version(
                template=template, messages=HELLO, variables=NAME, comment="why", actor=ANA
            )
            for _ in range(2)
        ]
    assert [version.number for version in versions] == [1, 2]
    assert versions[0].author_label == "ana@example.com"
    assert trail_of(template.tenant)[-1] == (
        "prompts.version_created",
        {"number": 2, "comment": "why"},
    )


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ([{"role": "user", "text": "{{ nobody }}"}], "messages.0.text"),
        ([{"role": "robot", "text": "x"}], "messages.0.role"),
    ],
)
def test_create_version__that_does_not_compile__is_refused_by_name(
    messages: list[dict[str, str]], param: str
) -> None:
    template = make_template()
    with tenant_scope(template.tenant_id), pytest.raises(InvalidRequest) as refused:
        prompt_manager.create_version(template=template, messages=messages, variables=[], actor=ANA)
    assert refused.value.param == param


def test_version__changed_past_the_manager__is_refused_by_the_data_base() -> None:
    version = make_version(make_template())
    with tenant_scope(version.tenant_id):
        version.comment = "rewritten history"
        with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
            version.save()
        assert PromptVersion.objects.get(pk=version.pk).comment == ""


def test_make_live__second_version__replaces_the_first_and_is_recorded() -> None:
    template = make_template()
    make_version(template, live=True)
    second = make_version(template)
    assert live_number(template) == 1
    with tenant_scope(template.tenant_id):
        prompt_manager.make_live(version=second, actor=ANA, reason="kinder")
        entry = AuditEntry.objects.order_by("-sequence").first()
    assert live_number(template) == 2
    assert entry is not None
    assert (entry.action, entry.reason) == ("prompts.version_made_live", "kinder")
    assert entry.changes == {"live_version": [1, 2]}


def test_make_live__the_live_version_again__writes_nothing() -> None:
    template = make_template()
    version = make_version(template, live=True)
    before = trail_of(template.tenant)
    with tenant_scope(template.tenant_id):
        prompt_manager.make_live(version=version, actor=ANA)
    assert trail_of(template.tenant) == before


def test_roll_back__from_the_second_version__makes_the_first_live() -> None:
    template = make_template()
    make_version(template, live=True)
    make_version(template, live=True)
    with tenant_scope(template.tenant_id):
        assert prompt_manager.roll_back(template=reread(template), actor=ANA).number == 1
    assert live_number(template) == 1


def test_roll_back__before_the_first_version__is_not_found() -> None:
    template = make_template()
    make_version(template, live=True)
    with tenant_scope(template.tenant_id), pytest.raises(NotFound):
        prompt_manager.roll_back(template=reread(template), actor=ANA)


def test_change_template__new_name__is_recorded_with_the_old_one() -> None:
    template = make_template()
    with tenant_scope(template.tenant_id):
        prompt_manager.change_template(template=template, name="Welcome", description="", actor=ANA)
    assert reread(template).name == "Welcome"
    assert trail_of(template.tenant)[-1] == (
        "prompts.template_changed",
        {"name": ["Greeting", "Welcome"]},
    )


def test_delete_template__with_a_live_version__takes_its_versions_along() -> None:
    template = make_template()
    make_version(template, live=True)
    with tenant_scope(template.tenant_id):
        prompt_manager.delete_template(template=reread(template), actor=ANA)
        assert PromptTemplate.objects.count() == PromptVersion.objects.count() == 0
    assert trail_of(template.tenant)[-1][0] == "prompts.template_deleted"


def test_delete_template__that_a_rule_uses__is_a_conflict_and_leaves_no_trace() -> None:
    template = make_template()
    with tenant_scope(template.tenant_id):
        rules = RuleSet.objects.create(tenant_id=template.tenant_id, name="Rules")
        Rule.objects.create(
            tenant_id=template.tenant_id, rule_set=rules, name="R", prompt_template=template
        )
        with pytest.raises(Conflict):
            prompt_manager.delete_template(template=template, actor=ANA)
    assert reread(template).pk == template.pk
    assert [action for action, _ in trail_of(template.tenant)] == ["prompts.template_created"]


def test_prompt_records__of_a_tenant__are_its_live_versions() -> None:
    tenant = make_tenant()
    live, draft = make_template(tenant, "live"), make_template(tenant, "draft")
    make_version(live, live=True)
    make_version(draft)
    make_version(make_template(slug="theirs"), live=True)
    with tenant_scope(tenant.pk):
        records = prompt_records(tenant)
    assert records == {"live": {"version": 1, "messages": HELLO, "variables": NAME}}
