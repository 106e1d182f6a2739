"""What a rule says of itself: checked without the catalogue, in forms, over the API, at publish.

Each check yields the field at fault and one sentence with the way out.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.routing.rule_settings import LONGEST_TAG, MOST_ATTEMPTS

type Rule = Mapping[str, Any]
type Faults = Iterator[tuple[str, str]]

RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
REASONING_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
PARAMETERS = (*RANGES, "reasoning_effort", "seed")
LONGEST_TIMEOUT_MS = 3_600_000
MOST_ARMS = 10
WHOLE = 100


def setting_faults(rule: Rule) -> Faults:
    """Yield what is wrong with a rule whatever the catalogue holds."""
    for check in CHECKS:
        yield from check(rule)


def _action(rule: Rule) -> Faults:
    if rule["action"] == "reject" and not rule["reject_message"]:
        yield "reject_message", _("Tell the caller why the request is rejected.")


def _default(rule: Rule) -> Faults:
    if rule["is_default"] and rule["condition"]:
        yield "is_default", _("A pinned default has no condition: remove it, or unpin the rule.")


def _schedule(rule: Rule) -> Faults:
    start, end = rule["active_from_ms"], rule["active_until_ms"]
    if start is not None and end is not None and start >= end:
        yield "active_until", _("The rule would never be active: its end must be after its start.")


def _weights(rule: Rule) -> Faults:
    weights = [target["weight"] for target in rule["targets"]]
    if any(weight < 0 for weight in weights):
        yield "targets", _("A weight cannot be negative.")
    elif rule["strategy"] == "weighted" and weights and not sum(weights):
        yield "targets", _("All weights are 0: give one target at least a weight above 0.")


def _arms(rule: Rule) -> Faults:
    arms = rule["arms"]
    if not isinstance(arms, list) or not all(_is_arm(arm) for arm in arms):
        yield "arms", _("Give each arm a name, a whole weight in percent and a list of models.")
        return
    yield from ((("arms", text)) for text in _arm_faults(arms))


def _is_arm(arm: Any) -> bool:
    if not isinstance(arm, Mapping) or set(arm) != {"name", "weight", "targets"}:
        return False
    is_share = isinstance(arm["weight"], int) and not isinstance(arm["weight"], bool)
    names = arm["targets"]
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return isinstance(arm["name"], str) and is_share and is_list


def _arm_faults(arms: list[dict[str, Any]]) -> Iterator[str]:
    names = [arm["name"].strip() for arm in arms]
    if len(arms) > MOST_ARMS:
        yield _("An experiment has %(most)s arms at most.") % {"most": MOST_ARMS}
    if not all(names):
        yield _("Give each arm a name.")
    if len(set(names)) < len(names):
        yield _("Two arms have the same name: rename one.")
    for arm in arms:
        if not arm["targets"]:
            yield _("The arm “%(name)s” has no model: add one.") % {"name": arm["name"]}
    if any(arm["weight"] < 0 for arm in arms):
        yield _("A weight cannot be negative.")
    elif arms and not sum(arm["weight"] for arm in arms):
        yield _("All arms have the weight 0: give one at least a share.")
    elif sum(arm["weight"] for arm in arms) > WHOLE:
        yield _("The arms have more than 100 percent together: lower a weight.")


def _parameters(rule: Rule) -> Faults:
    parameters = rule["parameters"]
    if not isinstance(parameters, Mapping):
        yield "parameters", _('Enter names and values, such as {"temperature": 0.2}.')
        return
    for name, value in parameters.items():
        if name not in PARAMETERS:
            text = _("There is no parameter “%(name)s”. Known: %(known)s.")
            yield "parameters", text % {"name": name, "known": ", ".join(PARAMETERS)}
        elif text := _parameter_fault(name, value):
            yield "parameters", text


def _parameter_fault(name: str, value: Any) -> str:
    if name in RANGES:
        low, high = RANGES[name]
        if not _is_number(value) or not low <= value <= high:
            text = _("%(name)s must be a number from %(low)s to %(high)s.")
            return text % {"name": name, "low": low, "high": high}
    elif name == "seed" and (not isinstance(value, int) or isinstance(value, bool)):
        return _("seed must be a whole number.")
    elif name == "reasoning_effort" and value not in REASONING_EFFORTS:
        return _("reasoning_effort is one of: %(known)s.") % {"known": ", ".join(REASONING_EFFORTS)}
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _limits(rule: Rule) -> Faults:
    attempts, first, total = (
        rule[name] for name in ("max_attempts", "first_token_timeout_ms", "total_timeout_ms")
    )
    if attempts is not None and not 1 <= attempts <= MOST_ATTEMPTS:
        text = _("Give 1 to %(most)s attempts, or leave it empty.")
        yield "max_attempts", text % {"most": MOST_ATTEMPTS}
    for name in ("first_token_timeout_ms", "total_timeout_ms", "latency_cap_ms"):
        value = rule[name]
        if value is not None and not 0 < value <= LONGEST_TIMEOUT_MS:
            text = _("Give 1 to %(most)s milliseconds, or leave it empty.")
            yield name, text % {"most": LONGEST_TIMEOUT_MS}
    if first is not None and total is not None and first > total:
        text = _("The wait for the first token is longer than the wait for the whole answer.")
        yield "first_token_timeout_ms", text
    if rule["price_cap"] is not None and rule["price_cap"] <= 0:
        yield "price_cap", _("A price cap must be above 0; leave it empty for none.")
    if not 0 <= rule["price_weight"] <= WHOLE:
        yield "price_weight", _("Give a number from 0 (speed) to 100 (price).")


def _tags(rule: Rule) -> Faults:
    for tag in rule["add_tags"]:
        if not _is_tag(tag):
            text = _("“%(tag)s” is no tag: 1 to %(most)s characters without commas or blanks.")
            yield "add_tags", text % {"tag": tag, "most": LONGEST_TAG}


def _is_tag(tag: Any) -> bool:
    is_short = isinstance(tag, str) and 0 < len(tag) <= LONGEST_TAG
    return is_short and tag.isprintable() and not any(mark in tag for mark in ", ")


CHECKS: tuple[Callable[[Rule], Faults], ...] = (
    *(_action, _default, _schedule, _weights, _arms, _parameters, _limits, _tags),
)
