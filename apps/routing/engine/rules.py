"""Business rules: the first one that holds decides, with the reason of each one before it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from apps.routing.engine.conditions import clauses_of
from apps.routing.engine.trace import FACTS_READ
from apps.routing.engine.types import (
    Effects,
    Finding,
    RequestFacts,
    Rule,
    TraceStep,
)

# More steps than a person reads; what is left out is counted, the match is always recorded.
TRACED_RULES = 50
NO_EFFECTS = Effects()
FIRST_SET = (
    *("prompt_template", "cache_seconds", "data_class", "first_token_timeout_ms"),
    *("total_timeout_ms", "max_attempts", "on_content_filter", "on_unsupported"),
)
SMALLEST = ("max_output_tokens", "price_cap", "latency_cap_ms")


class Matched(NamedTuple):
    """What the rules said: the one that decides, if any, and the effects of all that applied.

    `before` are the effects without the deciding rule's, `facts` carry the tags added, and `place`
    is the rule's in the order tried.
    """

    rule: Rule | None
    effects: Effects
    before: Effects
    facts: RequestFacts
    place: int


def first_match(rules: Sequence[Rule], facts: RequestFacts, steps: list[TraceStep]) -> Matched:
    """Try the rules in their order (locked, key, project, tenant, global, defaults)."""
    effects = NO_EFFECTS
    telling = _Telling(steps)
    for place, rule in enumerate(rules):
        if rule.is_guarded and not _is_in_scope(rule, facts):
            continue
        found = rule.test(facts)
        if not found.holds:
            telling.misses.append(found)
        elif rule.action == "continue":
            telling.tell_misses(facts)
            steps.append(_matched(rule, "rule_continued"))
            effects = merge_effects(effects, rule.effects)
            facts = _tagged(facts, rule.effects.tags)
        else:
            telling.tell_misses(facts)
            telling.tell_untold()
            steps.append(_matched(rule, "rule_matched"))
            return Matched(rule, merge_effects(effects, rule.effects), effects, facts, place)
    telling.tell_misses(facts)
    telling.tell_untold()
    return Matched(None, effects, effects, facts, len(rules))


class _Telling:
    """Tells of the rules that did not match, and once of what their clauses saw."""

    def __init__(self, steps: list[TraceStep]) -> None:
        self.misses: list[Finding] = []
        self._steps = steps
        self._reads = self._untold = 0

    def tell_misses(self, facts: RequestFacts) -> None:
        """Tell those since the last time, for which these were the facts."""
        room = max(TRACED_RULES + self._reads - len(self._steps), 0)
        told, self._untold = self.misses[:room], self._untold + len(self.misses[room:])
        self.misses.clear()
        shown = {found.fact: found.show for found in told if found.show is not None}
        if shown:
            seen = {fact: show(facts) for fact, show in shown.items()}
            self._reads += 1
            self._steps.append(TraceStep("rule", FACTS_READ, "", "kept", seen))
        self._steps.extend([found.step for found in told if found.step is not None])

    def tell_untold(self) -> None:
        if self._untold:
            numbers = {"count": self._untold}
            self._steps.append(TraceStep("rule", "rules_not_told", "", "not_matched", numbers))


def match_after(rules: Sequence[Rule], matched: Matched) -> Matched:
    """Return what the rules would say without the one that decided; nothing is told."""
    effects, facts = matched.before, matched.facts
    for place in range(matched.place + 1, len(rules)):
        rule = rules[place]
        if rule.is_guarded and not _is_in_scope(rule, facts):
            continue
        if not rule.test(facts).holds:
            continue
        if rule.action != "continue":
            return Matched(rule, merge_effects(effects, rule.effects), effects, facts, place)
        effects = merge_effects(effects, rule.effects)
        facts = _tagged(facts, rule.effects.tags)
    return Matched(None, effects, effects, facts, len(rules))


def reads_requested_model(rule: Rule) -> bool:
    """Say whether the rule speaks of the name that the client asked for."""
    return any(clause.field == "requested_model" for clause in clauses_of(rule.condition))


def merge_effects(first: Effects, second: Effects) -> Effects:
    """Return both: of two settings the earlier rule's, of two limits the tighter, all tags."""
    if first is NO_EFFECTS or second == NO_EFFECTS:
        return second if first is NO_EFFECTS else first
    changes: dict[str, Any] = {
        name: getattr(first, name) or getattr(second, name) for name in FIRST_SET
    }
    for name in SMALLEST:
        limits = [getattr(item, name) for item in (first, second)]
        changes[name] = min((limit for limit in limits if limit is not None), default=None)
    return replace(
        first,
        parameters={**second.parameters, **first.parameters},
        tags=tuple(dict.fromkeys((*first.tags, *second.tags))),
        regions=_both(first.regions, second.regions),
        allow_unknown=first.allow_unknown or second.allow_unknown,
        **changes,
    )


def _both(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Return the regions that both allow; where there are none, a name that no place has."""
    if not first or not second:
        return first or second
    return tuple(name for name in first if name in second) or ("-",)


def _is_in_scope(rule: Rule, facts: RequestFacts) -> bool:
    if rule.project and rule.project != facts.project:
        return False
    if rule.key and rule.key != facts.key_id:
        return False
    if rule.active_from_ms is not None and facts.now_ms < rule.active_from_ms:
        return False
    return rule.active_until_ms is None or facts.now_ms < rule.active_until_ms


def _tagged(facts: RequestFacts, tags: Iterable[str]) -> RequestFacts:
    added = tuple(tag for tag in tags if tag not in facts.tags)
    return replace(facts, tags=(*facts.tags, *added)) if added else facts


def _matched(rule: Rule, code: str) -> TraceStep:
    return TraceStep("rule", code, rule.id, "matched", {"name": rule.name, "scope": rule.scope})
