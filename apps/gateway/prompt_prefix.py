"""The beginning of a prompt, which a provider's prompt cache may still hold from earlier calls."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from django.conf import settings

from apps.core.chat import Message
from apps.core.tokens import estimate_messages

DIGEST_BYTES = 16


def prefix_digest(tenant_id: UUID, messages: Sequence[Message]) -> str:
    """Return a digest of the system messages and the first of the user's.

    It is the same through a whole chat. The key is the tenant's own, so that a digest in the log
    tells nothing of the text.
    """
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES, key=_key(tenant_id))
    for message in messages:
        if message.role in ("system", "user"):
            digest.update(f"{message.role}:{len(message.text)}:".encode())
            digest.update(message.text.encode("utf-8", "replace"))
        if message.role == "user":
            break
    return digest.hexdigest()


def prefix_tokens(model: str, messages: Sequence[Message], prompt_tokens: int) -> int:
    """Return the tokens of everything before the last message of the user.

    `prompt_tokens` are those of all messages: only what comes after is counted here.
    """
    last = max((i for i, message in enumerate(messages) if message.role == "user"), default=0)
    return prompt_tokens - estimate_messages(model, messages[last:])


@lru_cache(maxsize=1_024)
def _key(tenant_id: UUID) -> bytes:
    pepper = hashlib.sha256(settings.API_KEY_PEPPER + tenant_id.bytes)
    return pepper.digest()
