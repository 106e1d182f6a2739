"""Data that migrations of rules carry over."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from apps.core.scoping import all_tenants
from apps.routing.models import Rule
from tests.factories.routing import clause, make_rule, make_site

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (clause("needs", "has_all", ["documents", "tools"]), ["files", "tools"]),
        (clause("needs", "has", "documents"), "files"),
        (clause("tag", "has", ["documents"]), ["documents"]),
    ],
)
def test_documents__that_rules_asked_for__become_files_of_needs_only(
    before: dict[str, Any], after: Any
) -> None:
    tree = {"any": [{"none": [before]}, clause("door", "is", "chat")]}
    rule = make_rule(make_site().tenant, conditions=tree)
    migration = import_module("apps.routing.migrations.0004_files_not_documents")
    with all_tenants("tests"):
        migration.files_not_documents(apps, None)
        stored = Rule.objects.get(pk=rule.pk)
    assert stored.conditions["any"][0]["none"][0] == {**before, "value": after}
    assert stored.conditions["any"][1] == tree["any"][1]
