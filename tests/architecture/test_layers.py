"""Each app imports only what stands below it, and foreign keys point the same way."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from router_project.local.places import CHECKOUT

RECORDS = ("usage", "audit")


def test_contracts__of_the_import_linter__are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_layers__of_the_contract__are_all_apps() -> None:
    ours = {config.name for config in apps.get_app_configs() if config.name.startswith("apps.")}
    assert set(_heights()) == ours


def test_foreign_keys__of_every_model__never_point_upwards() -> None:
    heights = _heights()
    wrong = [
        f"{model._meta.label}.{field} -> {target._meta.label}"
        for model, field, target in _relations()
        if target._meta.app_config.name in heights
        and heights[target._meta.app_config.name] > heights[model._meta.app_config.name]
    ]
    assert wrong == []


def test_foreign_keys__between_apps_side_by_side__are_none() -> None:
    heights = _heights()
    wrong = [
        f"{model._meta.label}.{field} -> {target._meta.label}"
        for model, field, target in _relations()
        if (mine := model._meta.app_config.name) != (its := target._meta.app_config.name)
        and its in heights
        and heights[mine] == heights[its]
    ]
    assert wrong == []


@pytest.mark.parametrize("label", RECORDS)
def test_foreign_keys__of_what_outlives_its_subject__name_the_tenant_only(label: str) -> None:
    targets = {
        (model._meta.label, target._meta.label)
        for model, _field, target in _relations()
        if model._meta.app_label == label
    }
    assert {target for _model, target in targets} <= {"tenants.Tenant"}, targets


def test_core__the_toolbox__has_no_tables() -> None:
    assert list(apps.get_app_config("core").get_models()) == []


def _heights() -> dict[str, int]:
    """Return how high each app stands, from the contract itself; higher may import lower."""
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    return {
        name.strip(): height
        for height, layer in enumerate(reversed(layers))
        for name in layer.split("|")
        if name.strip().startswith("apps.")
    }


def _relations() -> list[tuple[type[models.Model], str, type[models.Model]]]:
    return [
        (model, field.name, field.related_model)
        for model in apps.get_models()
        if model._meta.app_config.name.startswith("apps.")
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many)
        if field.is_relation and isinstance(field.related_model, type)
    ]
