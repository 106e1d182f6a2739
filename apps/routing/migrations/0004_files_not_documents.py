from collections.abc import Iterator
from typing import Any

from django.db import migrations


def files_not_documents(apps: Any, _schema_editor: Any) -> None:
    """Rules asked for "documents", which the catalogue has always called "files"."""
    for rule in apps.get_model("routing", "Rule").objects.all():
        changed = [clause for clause in _clauses(rule.conditions) if _is_of_documents(clause)]
        for clause in changed:
            clause["value"] = _renamed(clause["value"])
        if changed:
            rule.save(update_fields=["conditions"])


def _clauses(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict) and "field" in tree:
        yield tree
    elif isinstance(tree, dict):
        for members in tree.values():
            for member in members if isinstance(members, list) else ():
                yield from _clauses(member)


def _is_of_documents(clause: dict[str, Any]) -> bool:
    value = clause.get("value")
    values = value if isinstance(value, list) else [value]
    return clause.get("field") == "needs" and "documents" in values


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return ["files" if item == "documents" else item for item in value]
    return "files"


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0003_choice_effects_and_calendars"),
    ]

    operations = [
        migrations.RunPython(files_not_documents, migrations.RunPython.noop),
    ]
