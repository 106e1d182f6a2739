"""Loads the catalogue that ships with the product: adds what is missing, changes nothing else."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from apps.audit.services import record_change
from apps.audit.types import SYSTEM
from apps.providers.models import Deployment, LlmModel, Price, Provider

SEED = Path(__file__).parent / "seed.json"


@dataclass(slots=True)
class Loaded:
    """Names of what was added."""

    providers: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    prices: list[str] = field(default_factory=list)
    deployments: list[str] = field(default_factory=list)


def load_catalogue() -> Loaded:
    """Add missing providers, models, prices and simulated deployments; runs under all_tenants.

    What people have edited stays as it is. A price is added only where the platform has none of
    the seed's date for the model.
    """
    seed = json.loads(SEED.read_text())
    loaded = Loaded()
    providers = {item["slug"]: _provider(item, loaded) for item in seed["providers"]}
    models = {item["name"]: _model(item, providers, loaded) for item in seed["models"]}
    _link_successors(seed["models"], models, set(loaded.models))
    _add_prices(seed, models, loaded)
    for item in seed["deployments"]:
        _deployment(item, models, loaded)
    _record(seed["models"], providers, loaded)
    return loaded


def _provider(item: dict[str, Any], loaded: Loaded) -> Provider:
    values = {name: item[name] for name in ("name", "adapter", "base_url")}
    provider, is_new = Provider.objects.get_or_create(slug=item["slug"], defaults=values)
    if is_new:
        loaded.providers.append(provider.slug)
    return provider


def _model(item: dict[str, Any], providers: dict[str, Provider], loaded: Loaded) -> LlmModel:
    names = ("context_window", "max_output_tokens", "lifecycle", "capabilities")
    values = {"provider": providers[item["provider"]], **{name: item[name] for name in names}}
    model, is_new = LlmModel.objects.get_or_create(name=item["name"], defaults=values)
    if is_new:
        loaded.models.append(model.name)
    return model


def _link_successors(
    items: list[dict[str, Any]], models: dict[str, LlmModel], new: set[str]
) -> None:
    for item in items:
        if item["successor"] and item["name"] in new:
            model = models[item["name"]]
            model.successor = models[item["successor"]]
            model.save(update_fields=["successor"])


def _add_prices(seed: dict[str, Any], models: dict[str, LlmModel], loaded: Loaded) -> None:
    moment = datetime.fromisoformat(seed["effective_from"])
    dated = Price.objects.filter(tenant=None, effective_from=moment)
    priced = set(dated.values_list("llm_model_id", flat=True))
    for item in seed["models"]:
        model, price = models[item["name"]], item["price"]
        if price is None or model.id in priced:
            continue
        Price.objects.create(
            llm_model=model,
            effective_from=moment,
            input_price=price["input"],
            output_price=price["output"],
            cached_input_price=price["cached_input"],
            cache_write_price=price["cache_write"],
            source=price["source"],
        )
        loaded.prices.append(model.name)


def _deployment(item: dict[str, Any], models: dict[str, LlmModel], loaded: Loaded) -> None:
    model = models[item["model"]]
    # Someone who renamed or removed a simulated deployment of the model meant it.
    if item["model"] not in loaded.models:
        return
    values = {"llm_model": model, "simulation": item["simulation"]}
    _row, is_new = Deployment.objects.get_or_create(tenant=None, name=item["name"], defaults=values)
    if is_new:
        loaded.deployments.append(item["name"])


def _record(items: list[dict[str, Any]], providers: dict[str, Provider], loaded: Loaded) -> None:
    for slug, provider in providers.items():
        names = {item["name"] for item in items if item["provider"] == slug}
        changes = {
            "models": sorted(names.intersection(loaded.models)),
            "prices": sorted(names.intersection(loaded.prices)),
        }
        if any(changes.values()):
            record_change(
                actor=SYSTEM, action="providers.catalogue_loaded", obj=provider, changes=changes
            )
