"""Facts of a request: everything that rules and filters may read, gathered once."""

from apps.core.clock import unix_ms
from apps.core.tokens import estimate_messages
from apps.gateway.types import Run
from apps.routing.engine.types import RequestFacts


def gather(run: Run) -> RequestFacts:
    """Return the facts of a prepared run."""
    ask, caller = run.ask, run.ask.caller
    return RequestFacts(
        request_id=run.request_id,
        tenant=caller.tenant_slug,
        project=caller.project_slug,
        key_id=str(caller.key_id),
        key_tags=caller.tags,
        door=ask.door,
        requested_model=ask.chat.model,
        tags=ask.tags,
        prompt_tokens=estimate_messages(ask.chat.model, run.messages),
        max_output_tokens=ask.chat.max_output_tokens,
        needs=tuple(sorted(ask.chat.needs)),
        allowed_models=caller.allowed_models,
        now_ms=unix_ms(),
        prompt_template=ask.prompt_template,
        conversation=run.context.id if run.context else "",
    )
