"""The words of every reason, in English and Brazilian Portuguese. Pure: text in tables.

They live here and not in gettext's catalogues because the engine has no Django, and because a kept
trace must read the same wherever it is told.
"""

from collections.abc import Mapping

type Pair = tuple[str, str]

SENTENCES: Mapping[str, Pair] = {
    "rule_matched": (
        "Rule “{name}” matched.",
        "A regra “{name}” foi aplicada.",
    ),
    "rule_continued": (
        "Rule “{name}” applied its settings and let the next rules decide.",
        "A regra “{name}” aplicou seus ajustes e deixou as próximas decidirem.",
    ),
    "rules_not_told": (
        "{count} more rules did not match.",
        "Mais {count} regras não se aplicam.",
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
        (
            "Rule “{name}” could not be decided ({field} {operator} {expected}):"
            " the request does not say {field}."
        ),
        (
            "A regra “{name}” não pôde ser decidida ({field} {operator} {expected}):"
            " a requisição não informa {field}."
        ),
    ),
    "rejected_by_rule": ("The rule rejects the request.", "A regra rejeita a requisição."),
    "unknown_name": (
        "“{subject}” is neither an alias nor a model that this key may use.",
        "“{subject}” não é um apelido nem um modelo que esta chave possa usar.",
    ),
    "rule_targets": ("The rule sends it to: {subject}.", "A regra envia para: {subject}."),
    "vectors_of": (
        "Vectors of {subject} are wanted: only its own can be compared with them.",
        "São pedidos vetores de {subject}: só os dele se comparam entre si.",
    ),
    "requested": ("The request names: {subject}.", "A requisição pede: {subject}."),
    "drawn": (
        "The draw for this {unit} fell on “{subject}”, which gets {percent} % ({draw}).",
        "O sorteio para {unit} caiu em “{subject}”, que recebe {percent} % ({draw}).",
    ),
    "successor": (
        "{of} is retired; its successor {subject} takes its place.",
        "{of} foi descontinuado; o sucessor {subject} assume o lugar.",
    ),
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
    "capability_unknown": (
        "{subject} was left out: nobody has confirmed that it can do {capability}.",
        "{subject} ficou de fora: ninguém confirmou que oferece {capability}.",
    ),
    "embeddings_only": (
        "{subject} was left out: it makes vectors and answers nobody.",
        "{subject} ficou de fora: gera vetores e não responde a ninguém.",
    ),
    "output_too_small": (
        "{subject} was left out: {needed} output tokens are wanted, it gives {most} at most.",
        "{subject} ficou de fora: são pedidos {needed} tokens de saída e ele dá no máximo {most}.",
    ),
    "context_too_small": (
        "{subject} was left out: the request needs {needed} tokens, its window holds {window}.",
        "{subject} ficou de fora: a requisição usa {needed} tokens e a janela comporta {window}.",
    ),
    "disabled": (
        "{subject} was left out: it is switched off.",
        "{subject} ficou de fora: está desligada.",
    ),
    "draining": (
        "{subject} was left out: it is draining and takes no new conversations.",
        "{subject} ficou de fora: está em drenagem e não aceita novas conversas.",
    ),
    "excluded": (
        "{subject} was left out: it must not be asked again for this request.",
        "{subject} ficou de fora: não pode ser consultada de novo nesta requisição.",
    ),
    "tried": (
        "{subject} was left out: it failed in this request already.",
        "{subject} ficou de fora: já falhou nesta requisição.",
    ),
    "region_denied": (
        "{subject} was left out: its region {region} is not allowed here.",
        "{subject} ficou de fora: a região {region} não é permitida aqui.",
    ),
    "data_class_denied": (
        "{subject} was left out: it is not cleared for {data_class} data.",
        "{subject} ficou de fora: não é liberada para dados {data_class}.",
    ),
    "price_above_cap": (
        "{subject} was left out: it costs {price} per million tokens, the cap is {cap}.",
        "{subject} ficou de fora: custa {price} por milhão de tokens e o teto é {cap}.",
    ),
    "budget_too_small": (
        "{subject} was left out: it could cost {cost}, only {left} of the budget are left.",
        "{subject} ficou de fora: pode custar {cost} e restam {left} do orçamento.",
    ),
    "credential_refused": (
        "{subject} was left out: the provider refused its credential; next try in {wait_ms}.",
        "{subject} ficou de fora: o provedor recusou a credencial; nova tentativa em {wait_ms}.",
    ),
    "retry_budget_spent": (
        "{subject} was left out: too many retries already went to {provider}.",
        "{subject} ficou de fora: novas tentativas demais já foram para {provider}.",
    ),
    "too_slow": (
        "{subject} was left out: its first token takes {expected_ms}, the cap is {cap_ms}.",
        "{subject} ficou de fora: o primeiro token leva {expected_ms} e o teto é {cap_ms}.",
    ),
    "rate_blocked": (
        "{subject} was left out: the provider asked to wait {wait_ms}.",
        "{subject} ficou de fora: o provedor pediu para aguardar {wait_ms}.",
    ),
    "crowded": (
        "{subject} was left out: it has too many calls under way; to be asked again in {wait_ms}.",
        "{subject} ficou de fora: tem chamadas demais em andamento; nova consulta em {wait_ms}.",
    ),
    "tokens_short": (
        "{subject} was left out: its tokens per minute are used up for {wait_ms}.",
        "{subject} ficou de fora: seus tokens por minuto se esgotaram por {wait_ms}.",
    ),
    "ejected": (
        "{subject} was left out: it failed {failures} times in a row; next try in {wait_ms}.",
        "{subject} ficou de fora: {failures} falhas seguidas; nova tentativa em {wait_ms}.",
    ),
    "on_probation": (
        "{subject} was left out: it is on probation, {owed} good answers are still owed.",
        "{subject} ficou de fora: está em observação e ainda deve {owed} boas respostas.",
    ),
    "panic": (
        "Too many rest: the least bad {kept} of {of} are asked all the same: {subject}.",
        "Há repouso demais: as {kept} menos ruins de {of} são consultadas mesmo assim: {subject}.",
    ),
    "called_back": (
        "{subject} may be tried although it rests: about {seconds} s, the others {others} s.",
        "{subject} pode ser tentada, embora repouse: cerca de {seconds} s, as demais {others} s.",
    ),
    "scored": (
        "{subject} can be called: about {seconds} s, likely cost {cost}.",
        "{subject} pode ser chamada: cerca de {seconds} s, custo provável {cost}.",
    ),
    "priced": (
        "{subject} can be called: likely cost {cost}.",
        "{subject} pode ser chamada: custo provável {cost}.",
    ),
    "first_choice": (
        "First choice: {subject} ({model}), at most {most_cost}.",
        "Primeira escolha: {subject} ({model}), no máximo {most_cost}.",
    ),
    "fallback": (
        "Fallback {place}: {subject} ({model}), at most {most_cost}.",
        "Alternativa {place}: {subject} ({model}), no máximo {most_cost}.",
    ),
    "without_rule": (
        "Without this rule: {subject} ({model}), {cost_difference} in likely cost.",
        "Sem esta regra: {subject} ({model}), {cost_difference} no custo provável.",
    ),
    "without_rule_nobody": (
        "Without this rule nobody could answer ({outcome}).",
        "Sem esta regra ninguém poderia responder ({outcome}).",
    ),
    "fields_dropped": (
        "{subject} cannot take all of the request; left out or changed: {fields}.",
        "{subject} não aceita tudo da requisição; ficou de fora ou mudou: {fields}.",
    ),
    "steps_not_told": (
        "{count} more steps were not kept.",
        "Mais {count} passos não foram guardados.",
    ),
}

WORDS: Mapping[str, Pair] = {
    # Fields
    "requested_model": ("requested model", "modelo pedido"),
    "tenant": ("tenant", "cliente"),
    "project": ("project", "projeto"),
    "api_key": ("API key", "chave de API"),
    "key_tag": ("API key tag", "etiqueta da chave de API"),
    "user": ("end user", "usuário final"),
    "door": ("entrance", "entrada"),
    "dialect": ("API dialect", "dialeto da API"),
    "prompt_template": ("prompt template", "modelo de prompt"),
    "tag": ("tag", "etiqueta"),
    "needs": ("needed capability", "capacidade necessária"),
    "prompt_tokens": ("prompt tokens", "tokens do prompt"),
    "max_output_tokens": ("output tokens", "tokens de saída"),
    "temperature": ("temperature", "temperatura"),
    "in_conversation": ("part of a conversation", "parte de uma conversa"),
    "conversation": ("conversation", "conversa"),
    "language": ("language", "idioma"),
    "message_text": ("message text", "texto da mensagem"),
    "message_length": ("message length (characters)", "tamanho da mensagem (caracteres)"),
    "time_of_day": ("time of day", "horário"),
    "weekday": ("weekday", "dia da semana"),
    "date": ("date", "data"),
    "holiday": ("holiday", "feriado"),
    "budget_left_percent": ("budget left (percent)", "orçamento restante (por cento)"),
    "provider_down": ("provider that is down", "provedor fora do ar"),
    "provider_degraded": ("provider in trouble", "provedor com problemas"),
    "share_of_requests": ("share of requests", "parcela das requisições"),
    "share_of_conversations": ("share of conversations", "parcela das conversas"),
    "share_of_users": ("share of users", "parcela dos usuários"),
    "metadata": ("metadata", "metadados"),
    "header": ("header", "cabeçalho"),
    # Operators
    "is": ("must be", "deve ser"),
    "is_not": ("must not be", "não pode ser"),
    "starts_with": ("must start with", "deve começar com"),
    "ends_with": ("must end with", "deve terminar com"),
    "contains": ("must contain", "deve conter"),
    "matches": ("must match", "deve casar com"),
    "has": ("must have", "deve ter"),
    "has_not": ("must not have", "não pode ter"),
    "has_all": ("must have all of", "deve ter todas:"),
    "at_most": ("must be at most", "deve ser no máximo"),
    "less_than": ("must be less than", "deve ser menor que"),
    "at_least": ("must be at least", "deve ser no mínimo"),
    "more_than": ("must be more than", "deve ser maior que"),
    "between": ("must be between", "deve estar entre"),
    "not_between": ("must not be between", "não pode estar entre"),
    "from": ("must be on or after", "deve ser a partir de"),
    "until": ("must be on or before", "deve ser até"),
    "is_in": ("must be in the calendar", "deve estar no calendário"),
    "is_not_in": ("must not be in the calendar", "não pode estar no calendário"),
    "within_first": ("must be within the first (percent)", "deve estar entre os primeiros (%)"),
    # Units of a draw
    "request": ("request", "a requisição"),
    # Outcomes
    "route": ("answered", "atendida"),
    "reject": ("rejected by a rule", "rejeitada por uma regra"),
    "unknown_model": ("unknown model", "modelo desconhecido"),
    "ineligible": ("no deployment may answer", "nenhuma implantação pode responder"),
    "unhealthy": ("all deployments rest", "todas as implantações em repouso"),
}
