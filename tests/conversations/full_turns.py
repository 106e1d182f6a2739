"""Turns with all that a conversation can hold, for tests."""

from apps.core.chat import Audio, File, Image, Text, Thinking, ToolCall, ToolResult, Turn

MARK = {"type": "ephemeral"}
ASKED = Turn(
    "user",
    (
        Text("What is this?", MARK),
        Image(data="aGk=", media_type="image/png"),
        Image(url="https://example.test/a.png"),
        Audio("aGk=", "wav"),
        File(data="aGk=", media_type="application/pdf", name="a.pdf"),
    ),
    name="ada",
)
CALLED = Turn(
    "assistant",
    (
        Thinking("Look it up.", "sig-1", origin="anthropic"),
        Thinking(redacted="xxx", origin="anthropic"),
        Text("Let me see."),
        ToolCall("t1", "weather", '{"city": "São Paulo"}', "sig-2", "google"),
    ),
)
ANSWERED = Turn("tool", (ToolResult("t1", (Text("sunny"), Image(url="https://a.test/b")), True),))
FULL = (ASKED, CALLED, ANSWERED, Turn("assistant", (Text("It is sunny."),)))
