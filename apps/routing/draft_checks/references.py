"""What a draft points at: models, deployments, regions, data classes, prompts, successors."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

type Rule = Mapping[str, Any]
type Faults = Iterator[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules of an owner may point at.

    `models` is the catalogue; `deployments` are those that the owner may use; `granted` is None
    for the platform, whose rules reach tenants with grants of their own.
    """

    models: Mapping[str, Mapping[str, Any]]
    deployments: tuple[Mapping[str, Any], ...]
    granted: frozenset[str] | None = None
    prompts: frozenset[str] = frozenset()

    def deployments_of(self, model: str) -> list[Mapping[str, Any]]:
        return [item for item in self.deployments if item["model"] == model]


def reference_faults(rule: Rule, known: Known) -> Faults:
    """Yield what a rule points at that is not there."""
    yield from (("targets", text) for text in model_faults(_targets(rule), known))
    arms = [name for arm in _arms(rule) for name in arm["targets"]]
    yield from (("arms", text) for text in model_faults(arms, known))
    template = rule["prompt_template"]
    if template and template not in known.prompts:
        text = _("The prompt template “%(name)s” has no live version.") % {"name": template}
        yield "prompt_template", text
    yield from _place_faults(rule, known)


def model_faults(names: Iterable[str], known: Known) -> Iterator[str]:
    """Yield why a name cannot be routed to: not in the catalogue, no grant, no deployment."""
    for name in dict.fromkeys(names):
        if name not in known.models:
            yield _("There is no model “%(model)s” in the catalogue.") % {"model": name}
        elif known.granted is not None and not known.deployments_of(name):
            if name in known.granted:
                text = _("There is no deployment of “%(model)s”, or its model has no price.")
            else:
                text = _("The tenant has no grant and no deployment of “%(model)s”.")
            yield text % {"model": name}


def alias_faults(aliases: Mapping[str, list[str]], known: Known) -> Iterator[tuple[str, str, str]]:
    """Yield the alias, the field and what is wrong."""
    for alias, names in aliases.items():
        if not names:
            yield alias, "targets", _("The alias has no model behind it.")
        if alias in known.models:
            text = _("A model of the catalogue has this name: choose another one for the alias.")
            yield alias, "name", text
        yield from ((alias, "targets", text) for text in model_faults(names, known))


def successor_faults(models: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the model and what is wrong with the chain of its successors."""
    for name in models:
        seen = [name]
        while follower := models[seen[-1]].get("successor"):
            if follower not in models:
                text = _("The successor “%(name)s” is not in the catalogue.")
                yield name, text % {"name": follower}
                break
            if follower in seen:
                text = _("The successors go in a circle: %(names)s.")
                yield name, text % {"names": " → ".join((*seen, follower))}
                break
            seen.append(follower)


def switched_off(rule: Rule, known: Known) -> Iterator[str]:
    """Name the targets that are switched off or drained at the moment."""
    for name in dict.fromkeys(_targets(rule)):
        model, places = known.models.get(name, {}), known.deployments_of(name)
        is_off = model.get("traffic", "on") != "on"
        if is_off or (places and all(place.get("traffic", "on") != "on" for place in places)):
            yield name


def _place_faults(rule: Rule, known: Known) -> Faults:
    regions = {item["region"] for item in known.deployments}
    for region in rule["regions"]:
        if region not in regions:
            text = _("No deployment is in the region “%(region)s”. Known: %(known)s.")
            shown = ", ".join(sorted(filter(None, regions))) or "-"
            yield "regions", text % {"region": region, "known": shown}
    classes = {name for item in known.deployments for name in item.get("data_classes", ())}
    if rule["data_class"] and rule["data_class"] not in classes:
        text = _("No deployment is cleared for the data class “%(name)s”. Known: %(known)s.")
        shown = ", ".join(sorted(classes)) or "-"
        yield "data_class", text % {"name": rule["data_class"], "known": shown}


def _targets(rule: Rule) -> list[str]:
    return [target["model"] for target in rule["targets"]]


def _arms(rule: Rule) -> list[Mapping[str, Any]]:
    """Return the arms that have the right shape; the others are told of elsewhere."""
    arms = rule["arms"] if isinstance(rule["arms"], list) else []
    return [arm for arm in arms if isinstance(arm, Mapping) and _is_names(arm.get("targets"))]


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
