"""Tells a decision in plain sentences, in English or Brazilian Portuguese. Pure: text in a table.

The table lives here and not in gettext's catalogues because the engine has no Django, and because a
stored trace must read the same wherever it is told.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.routing.engine.types import Decision, TraceStep

ENGLISH = "en"
PORTUGUESE = "pt-br"

SENTENCES: Mapping[str, tuple[str, str]] = {
    "rule_matched": (
        "Rule “{name}” matched.",
        "A regra “{name}” foi aplicada.",
    ),
    "condition_failed": (
        "Rule “{name}” did not match: {field} {operator} {expected}, but it was “{seen}”.",
        "A regra “{name}” não se aplica: {field} {operator} {expected}, mas era “{seen}”.",
    ),
    "condition_forbids": (
        "Rule “{name}” excludes “{field} {operator} {expected}”, and it was “{seen}”.",
        "A regra “{name}” exclui “{field} {operator} {expected}”, e era “{seen}”.",
    ),
    "condition_unmet": (
        "Rule “{name}” did not match this request.",
        "A regra “{name}” não se aplica a esta requisição.",
    ),
    "fact_missing": (
        "Rule “{name}” did not match: the request does not say {field}.",
        "A regra “{name}” não se aplica: a requisição não informa {field}.",
    ),
    "rejected_by_rule": ("The rule rejects the request.", "A regra rejeita a requisição."),
    "unknown_name": (
        "“{subject}” is neither an alias nor a model that this key may use.",
        "“{subject}” não é um apelido nem um modelo que esta chave possa usar.",
    ),
    "rule_targets": ("The rule sends it to: {subject}.", "A regra envia para: {subject}."),
    "requested": ("The request names: {subject}.", "A requisição pede: {subject}."),
    "unknown_model": (
        "{subject} was left out: it is not in the catalogue.",
        "{subject} ficou de fora: não está no catálogo.",
    ),
    "not_allowed_for_key": (
        "{subject} was left out: this API key may not use it.",
        "{subject} ficou de fora: esta chave de API não pode usá-lo.",
    ),
    "retired": (
        "{subject} was left out: its vendor has retired it.",
        "{subject} ficou de fora: foi descontinuado pelo fornecedor.",
    ),
    "no_deployment": (
        "{subject} was left out: the tenant has no deployment of it.",
        "{subject} ficou de fora: o cliente não tem implantação dele.",
    ),
    "capability_missing": (
        "{subject} was left out: it cannot do {capability}.",
        "{subject} ficou de fora: não oferece {capability}.",
    ),
    "context_too_small": (
        "{subject} was left out: the request needs {needed} tokens, its window holds {window}.",
        "{subject} ficou de fora: a requisição usa {needed} tokens e a janela comporta {window}.",
    ),
    "disabled": ("{subject} was left out: it is disabled.", "{subject} está desativada."),
    "excluded": (
        "{subject} was left out: it was tried already.",
        "{subject} ficou de fora: já foi tentada.",
    ),
    "budget_too_small": (
        "{subject} was left out: it could cost {cost} µ$, only {left} µ$ of the budget are left.",
        "{subject} ficou de fora: pode custar {cost} µ$ e restam {left} µ$ do orçamento.",
    ),
    "rate_blocked": (
        "{subject} was left out: the provider asked to wait {wait_ms} ms.",
        "{subject} ficou de fora: o provedor pediu para aguardar {wait_ms} ms.",
    ),
    "ejected": (
        "{subject} was left out: it failed {failures} times in a row; next try in {wait_ms} ms.",
        "{subject} ficou de fora: {failures} falhas seguidas; nova tentativa em {wait_ms} ms.",
    ),
    "first_choice": (
        "First choice: {subject} ({model}), at most {most_cost} µ$.",
        "Primeira escolha: {subject} ({model}), no máximo {most_cost} µ$.",
    ),
    "fallback": (
        "If that fails: {subject} ({model}), at most {most_cost} µ$.",
        "Se falhar: {subject} ({model}), no máximo {most_cost} µ$.",
    ),
}
WORDS: Mapping[str, tuple[str, str]] = {
    "requested_model": ("requested model", "modelo pedido"),
    "tenant": ("tenant", "cliente"),
    "project": ("project", "projeto"),
    "api_key": ("API key", "chave de API"),
    "door": ("entrance", "entrada"),
    "prompt_template": ("prompt template", "modelo de prompt"),
    "tag": ("tag", "etiqueta"),
    "needs": ("needed capability", "capacidade necessária"),
    "prompt_tokens": ("prompt tokens", "tokens do prompt"),
    "max_output_tokens": ("output tokens", "tokens de saída"),
    "is": ("must be", "deve ser"),
    "is_not": ("must not be", "não pode ser"),
    "starts_with": ("must start with", "deve começar com"),
    "contains": ("must contain", "deve conter"),
    "has": ("must have", "deve ter"),
    "has_not": ("must not have", "não pode ter"),
    "has_all": ("must have all of", "deve ter todas:"),
    "at_most": ("must be at most", "deve ser no máximo"),
    "less_than": ("must be less than", "deve ser menor que"),
    "at_least": ("must be at least", "deve ser no mínimo"),
    "more_than": ("must be more than", "deve ser maior que"),
    "between": ("must be between", "deve estar entre"),
}


def explain(decision: Decision, language: str) -> list[str]:
    """Return one sentence for each step of the trace."""
    return explain_steps((step_record(step) for step in decision.trace), language)


def explain_steps(steps: Iterable[Mapping[str, Any]], language: str) -> list[str]:
    """Return sentences for steps as they are stored (see `step_record`)."""
    column = 1 if language.lower().startswith("pt") else 0
    return [_sentence(step, column) for step in steps]


def step_record(step: TraceStep) -> dict[str, Any]:
    """Return a step as plain data, for logs and answers."""
    return {
        "layer": step.layer,
        "code": step.code,
        "subject": step.subject,
        "verdict": step.verdict,
        "numbers": dict(step.numbers),
    }


def _sentence(step: Mapping[str, Any], column: int) -> str:
    texts = SENTENCES.get(step["code"])
    if texts is None:
        return f"{step['subject']}: {step['code']}"
    numbers = {**step["numbers"], "subject": step["subject"]}
    for name in ("field", "operator"):
        if name in numbers:
            numbers[name] = WORDS.get(str(numbers[name]), (str(numbers[name]),) * 2)[column]
    return texts[column].format_map(numbers)
