"""Prompt Engine: compiles a version's messages once and renders them with checked variables. Pure.

Templates run under three limits: the small grammar (template_grammar.py), fuel, and a meter of what
they put out. A template sees its declared variables and nothing else; values are never templates.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import minijinja

from apps.core.chat import Message, Role
from apps.prompts.faults import FaultKind, PromptFault
from apps.prompts.filters import (
    MAX_OUTPUT_CHARS,
    LimitPassed,
    ListNeeded,
    count_output,
    install,
    meter,
)
from apps.prompts.template_grammar import ProblemKind, TemplateProblem, check_grammar
from apps.prompts.variables import Value, Variable, bind, parse_variables

ROLES = ("system", "user", "assistant")
MAX_MESSAGES = 40
FUEL = 20_000
GLOBALS = ("range", "dict", "debug", "namespace")


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """A live version, ready to render. `label` is what logs and the usage event call it."""

    slug: str
    version: int
    roles: tuple[Role, ...]
    variables: tuple[Variable, ...]
    environment: minijinja.Environment = field(repr=False, compare=False)

    @property
    def label(self) -> str:
        return f"{self.slug}@{self.version}"


def compile_prompt(*, slug: str, version: int, messages: Any, variables: Any) -> CompiledPrompt:
    """Check and compile a version as it is stored.

    Raises PromptFault for a wrong shape and TemplateProblem for a wrong template.
    """
    declared = parse_variables(variables)
    parsed = _parse_messages(messages)
    environment = _environment()
    for index, message in enumerate(parsed):
        try:
            _add_template(environment, str(index), message.text, declared)
        except TemplateProblem as problem:
            problem.param = f"messages.{index}.text"
            raise
    roles = tuple(message.role for message in parsed)
    return CompiledPrompt(slug, version, roles, declared, environment)


def render(
    prompt: CompiledPrompt, variables: Mapping[str, Any], *, ignore_unknown: bool = False
) -> tuple[Message, ...]:
    """Return the prompt's messages; raises PromptFault naming `variables.<name>` and the fix."""
    values = bind(prompt.variables, variables, ignore_unknown=ignore_unknown)
    try:
        texts = _render_all(prompt, values)
    except LimitPassed as error:
        raise PromptFault(FaultKind.OUTPUT_TOO_LONG, "variables", most=MAX_OUTPUT_CHARS) from error
    except ListNeeded as error:
        words = {"label": prompt.label, "filter": error.filter_name}
        raise PromptFault(FaultKind.FILTER_NEEDS_LIST, "variables", **words) from error
    except minijinja.TemplateError as error:
        words = {"label": prompt.label, "reason": error.message, "cause": error.kind}
        raise PromptFault(FaultKind.NOT_RENDERED, "variables", **words) from error
    return tuple(
        Message(role=role, text=text) for role, text in zip(prompt.roles, texts, strict=True)
    )


def _render_all(prompt: CompiledPrompt, values: Mapping[str, Value]) -> list[str]:
    meter.reset()
    texts = []
    chars = 0
    for index in range(len(prompt.roles)):
        text = prompt.environment.render_template(str(index), **values)
        chars += len(text)
        if chars > MAX_OUTPUT_CHARS:
            raise LimitPassed
        texts.append(text)
    return texts


def _parse_messages(messages: Any) -> tuple[Message, ...]:
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise PromptFault(FaultKind.NO_MESSAGES, "messages")
    if len(messages) > MAX_MESSAGES:
        raise PromptFault(FaultKind.TOO_MANY_MESSAGES, "messages", most=MAX_MESSAGES)
    return tuple(_parse_message(record, index) for index, record in enumerate(messages))


def _parse_message(record: Any, index: int) -> Message:
    at = f"messages.{index}"
    if not isinstance(record, Mapping):
        raise PromptFault(FaultKind.NO_MESSAGE, at)
    role, text = record.get("role"), record.get("text")
    if role not in ROLES:
        raise PromptFault(FaultKind.ROLE, f"{at}.role", allowed=", ".join(ROLES))
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise PromptFault(FaultKind.NO_TEXT, f"{at}.text")
    return Message(role=cast("Role", role), text=text)


def _environment() -> minijinja.Environment:
    environment = minijinja.Environment(
        undefined_behavior="strict",
        auto_escape_callback=_never_escape,
        finalizer=count_output,
        fuel=FUEL,
        keep_trailing_newline=True,
        debug=False,
        pycompat=False,
    )
    for name in GLOBALS:
        environment.remove_global(name)
    install(environment)
    return environment


def _add_template(
    environment: minijinja.Environment, name: str, source: str, declared: tuple[Variable, ...]
) -> None:
    names = {variable.name for variable in declared}
    check_grammar(source, {variable.name for variable in declared if variable.type == "list"})
    try:
        environment.add_template(name, source)
        unknown = environment.undeclared_variables_in_template(name) - names
    except minijinja.TemplateError as error:
        raise TemplateProblem(ProblemKind.SYNTAX, error.line or 1, error.detail or "") from error
    if unknown:
        word = min(unknown)
        raise TemplateProblem(ProblemKind.UNDECLARED, _line_of(word, source), word)


def _never_escape(_name: str) -> bool:
    return False


def _line_of(word: str, source: str) -> int:
    found = re.search(rf"\b{re.escape(word)}\b", source)
    return source.count("\n", 0, found.start() if found else 0) + 1
