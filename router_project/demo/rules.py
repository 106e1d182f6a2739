"""Demo rules: small, readable, and each showing one thing that rules can do."""

from typing import Any

from apps.audit.types import SYSTEM
from apps.prompts import prompt_manager
from apps.prompts.models import PromptTemplate
from apps.providers.models import LlmModel
from apps.routing.enums import RuleAction
from apps.routing.models import AliasTarget, Grant, ModelAlias, Rule, RuleSet, RuleTarget
from apps.tenants.models import Tenant

SMALL, LARGE, LONG = "sim-small", "sim-large", "sim-long"
ALIASES = {"auto": [SMALL, LARGE], "support-fast": [SMALL], "support-best": [LARGE, SMALL]}
LONG_PROMPT_TOKENS = 6_000
FAQ_CACHE_SECONDS = 600

RULES: list[dict[str, Any]] = [
    {
        "name": "Frequent questions are cached",
        "description": "The same question within ten minutes costs nothing.",
        "conditions": {"all": [{"field": "tag", "operator": "has", "value": ["faq"]}]},
        "cache_seconds": FAQ_CACHE_SECONDS,
        "targets": [SMALL],
    },
    {
        "name": "Premium customers get the large model",
        "description": "What the contract promises.",
        "conditions": {"all": [{"field": "tag", "operator": "has", "value": ["premium"]}]},
        "targets": [LARGE, SMALL],
    },
    {
        "name": "Long prompts need a long window",
        "description": "Beyond six thousand tokens the small model forgets the beginning.",
        "conditions": {
            "all": [{"field": "prompt_tokens", "operator": "at_least", "value": LONG_PROMPT_TOKENS}]
        },
        "targets": [LONG],
    },
    {
        "name": "No experiments with personal data",
        "description": "Legal asked for it.",
        "conditions": {"all": [{"field": "tag", "operator": "has", "value": ["personal-data"]}]},
        "action": RuleAction.REJECT,
        "reject_message": "Personal data must not be sent to language models.",
    },
]


def grant_models(tenant: Tenant) -> None:
    """Let a tenant use every active model of the catalogue that has a deployment."""
    models = LlmModel.objects.filter(deployments__tenant=None, deployments__isnull=False)
    for model in models.distinct():
        Grant.objects.get_or_create(tenant=tenant, llm_model=model)


def make_aliases(tenant: Tenant) -> None:
    """Give a tenant its demo aliases, unless it has any."""
    if ModelAlias.objects.filter(tenant=tenant).exists():
        return
    for name, models in ALIASES.items():
        alias = ModelAlias.objects.create(tenant=tenant, name=name)
        for position, model in enumerate(models):
            AliasTarget.objects.create(
                tenant=tenant, alias=alias, position=position, llm_model=_model(model)
            )


def make_rules(tenant: Tenant) -> None:
    """Give a tenant its demo rule set, unless it has one."""
    if RuleSet.objects.filter(tenant=tenant).exists():
        return
    rule_set = RuleSet.objects.create(
        tenant=tenant,
        name="Company rules",
        description="They serve every project. The first one that applies wins.",
    )
    for position, record in enumerate(RULES):
        fields = {name: value for name, value in record.items() if name != "targets"}
        rule = Rule.objects.create(tenant=tenant, rule_set=rule_set, position=position, **fields)
        for place, model in enumerate(record.get("targets", ())):
            RuleTarget.objects.create(
                tenant=tenant, rule=rule, position=place, llm_model=_model(model)
            )


def make_prompts(tenant: Tenant) -> None:
    """Give a tenant its demo prompt, unless it has any."""
    if PromptTemplate.objects.filter(tenant=tenant).exists():
        return
    template = prompt_manager.create_template(
        tenant_id=tenant.id,
        slug="support-answer",
        name="Support answer",
        description="How our support writes.",
        actor=SYSTEM,
    )
    version = prompt_manager.create_version(
        template=template,
        messages=[
            {
                "role": "system",
                "text": "You are the support of {{ company }}. Answer in {{ language }}.",
            },
            {"role": "user", "text": "{{ question }}"},
        ],
        variables=[
            {"name": "company", "type": "text", "required": False, "default": tenant.name},
            {"name": "language", "type": "text", "required": False, "default": "English"},
            {"name": "question", "type": "text", "required": True},
        ],
        comment="First version",
        actor=SYSTEM,
    )
    prompt_manager.make_live(version=version, actor=SYSTEM)


def _model(name: str) -> LlmModel:
    return LlmModel.objects.get(name=name)
