"""What the newer models of Gemini take and refuse: signatures, thinking, files, probabilities."""

from typing import Any

import pytest

from apps.providers.wire_servers.gemini.contents import SKIPS
from apps.providers.wire_servers.gemini.generate import SIGNED
from apps.providers.wire_servers.scripts import signature_of
from apps.providers.wire_servers.server import WireServer
from tests.providers.wire_servers.test_refusals import generate

HI = {"role": "user", "parts": [{"text": "hi"}]}
NEW, PRO, OLD, OLD_PRO = "gemini-3-flash", "gemini-3-pro", "gemini-2.5-flash", "gemini-2.5-pro"


def called(signature: str | None, **response: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"functionCall": {"name": "f", "id": "a"}}
    if signature:
        call["thoughtSignature"] = signature
    answer = {"functionResponse": {"name": "f", "response": {}, **response}}
    model, user = {"role": "model", "parts": [call]}, {"role": "user", "parts": [answer]}
    return {"contents": [HI, model, user]}


def thinking(**config: Any) -> dict[str, Any]:
    return {"generationConfig": {"thinkingConfig": config}}


def part(**data: Any) -> dict[str, Any]:
    return {"contents": [{"parts": [data]}]}


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (NEW, called(signature_of(SIGNED)), ""),
        *((NEW, called(skip), "") for skip in SKIPS),
        (NEW, called(None), "missing a thought_signature"),
        (NEW, called("c2ln"), "Corrupted thought signature"),
        (OLD, called(None), ""),
        (OLD, called("c2ln"), "Corrupted thought signature"),
        (NEW, called(SKIPS[0], id="a"), ""),
        (NEW, called(SKIPS[0], id="b"), "of the same ids"),
        (NEW, thinking(thinkingLevel="MINIMAL", includeThoughts=True), ""),
        (NEW, thinking(thinkingLevel="LOUD"), "Invalid value"),
        (PRO, thinking(thinkingLevel="MINIMAL"), "not supported for this model"),
        (OLD, thinking(thinkingLevel="LOW"), "not supported for this model"),
        (NEW, thinking(thinkingLevel="LOW", thinkingBudget=5), "only set only one"),
        (OLD, thinking(thinkingBudget=0), ""),
        (OLD, thinking(thinkingBudget=-1), ""),
        (OLD_PRO, thinking(thinkingBudget=0), "budget 0 is invalid"),
        (OLD, thinking(thinkingBudget=30_000), "budget 30000 is invalid"),
        (OLD, thinking(effort="low"), 'Unknown name "effort"'),
        (OLD, part(inlineData={"mimeType": "image/png", "data": "aGk="}), ""),
        (OLD, part(inlineData={"mimeType": "image/gif", "data": "aGk="}), "Unsupported MIME type"),
        (OLD, part(inlineData={"mimeType": "image/png", "data": "a"}), "Base64 decoding failed"),
        (OLD, part(fileData={"fileUri": "https://x.test/a.png"}), ""),
        (OLD, part(fileData={"fileUri": "http://x.test/a.png"}), "Unsupported file uri"),
        (OLD, {"generationConfig": {"responseLogprobs": True, "logprobs": 20}}, ""),
        (OLD, {"generationConfig": {"responseLogprobs": True, "logprobs": 21}}, "at most 20"),
        (OLD, {"generationConfig": {"logprobs": 2}}, "response_logprobs must be true"),
    ],
)
def test_generate__what_the_models_refuse__is_400(
    server: WireServer, model: str, options: dict[str, Any], said: str
) -> None:
    status, told = generate(server, model, **options)
    assert (status, said in told) == (400 if said else 200, True)
    assert bool(told) is bool(said)
