"""What changed in a row: its fields before and after, never the secret ones."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from apps.audit.values import names_secret

type Values = dict[str, Any]


def values_of(obj: models.Model) -> Values:
    """Return the row's own columns by field name; references as ids."""
    return {
        field.name: field.value_from_object(obj)
        for field in obj._meta.concrete_fields
        if not field.primary_key and not _keeps_time(field) and not names_secret(field.name)
    }


def _keeps_time(field: Any) -> bool:
    """Tell whether the column only says when the row was written, which the entry says too."""
    return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))


def stored_values(obj: models.Model) -> Values:
    """Return what the data base holds for the row now, `{}` when it is new."""
    row = type(obj)._base_manager.filter(pk=obj.pk).first()
    return values_of(row) if row else {}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return `{field: [old, new]}` of the fields whose values differ."""
    return {
        name: [before.get(name), value]
        for name, value in after.items()
        if before.get(name) != value
    }


def action_name(obj: models.Model, verb: str) -> str:
    """Return the action's stable name, such as `tenants.project_updated`."""
    return f"{obj._meta.app_label}.{obj._meta.model_name}_{verb}"
