"""What a prompt template may say: a small grammar, checked before minijinja sees the text. Pure.

Fuel bounds how many steps a template runs, not how much one step produces: `'a' * 10**9` is one
step. So a template is limited to variables, a few filters, conditions and one level of loops over
declared lists: nothing in it can produce more than it was given, times the length of one list.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from enum import StrEnum

MAX_TEMPLATE_CHARS = 32_768
MAX_LITERAL_CHARS = 200
MAX_FILTERS_IN_TAG = 8

PLAIN_FILTERS = frozenset(
    {
        "capitalize",
        "first",
        "int",
        "last",
        "length",
        "lower",
        "reverse",
        "sort",
        "title",
        "tojson",
        "trim",
        "unique",
        "upper",
    }
)
LIST_FILTERS = frozenset({"reverse", "sort", "unique"})
FILTERS_WITH_ARGUMENTS = frozenset({"default", "join", "round"})
STATEMENTS = frozenset({"if", "elif", "else", "endif", "for", "endfor"})
# No comma: no list is built inside a template, and no filter here takes two arguments.
OPERATORS = frozenset({"==", "!=", "<", "<=", ">", ">=", ".", "|", "(", ")", "[", "]", "-"})
# After these a parenthesis groups and a bracket would begin a list; after any other name it is a
# call or an index.
WORDS_BEFORE_VALUE = frozenset({"and", "or", "not", "if", "elif", "else", "in", "is"})

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<end>[-+]?(?:\}\}|%\}))
    |(?P<operator>==|!=|<=|>=|//|\*\*|.)""",
    re.VERBOSE | re.DOTALL,
)
_OPENING = re.compile(r"\{\{|\{%|\{#")
_CLOSING = {"{{": "}}", "{%": "%}"}


class ProblemKind(StrEnum):
    TOO_LONG = "too_long"
    UNCLOSED = "unclosed"
    STATEMENT = "statement"
    OPERATOR = "operator"
    FILTER = "filter"
    ARGUMENTS = "arguments"
    CALL = "call"
    LITERAL = "literal"
    TOO_MANY_FILTERS = "too_many_filters"
    LOOP = "loop"
    NESTED_LOOP = "nested_loop"
    SYNTAX = "syntax"
    UNDECLARED = "undeclared"


class TemplateProblem(Exception):
    """What is wrong with a template, on which line, and the word that is to blame.

    `param` names the message, such as `messages.0.text`, once that is known.
    """

    def __init__(self, kind: ProblemKind, line: int, word: str = "") -> None:
        super().__init__(f"{kind} in line {line}: {word}")
        self.kind = kind
        self.line = line
        self.word = word
        self.param = ""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def check_grammar(source: str, lists: Set[str]) -> None:
    """Raise TemplateProblem when the text uses anything but the small grammar.

    `lists` are the names of the variables that a loop may go over.
    """
    if len(source) > MAX_TEMPLATE_CHARS:
        raise TemplateProblem(ProblemKind.TOO_LONG, 1, str(MAX_TEMPLATE_CHARS))
    loops = 0
    for opening, tokens in _tags(source):
        expression = tokens
        if opening == "{%":
            keyword, expression = _statement(tokens, source)
            loops += {"for": 1, "endfor": -1}.get(keyword.text, 0)
            if loops > 1:
                raise TemplateProblem(ProblemKind.NESTED_LOOP, keyword.line)
            if keyword.text == "for":
                _check_loop(keyword, expression, lists)
        _check_expression(expression)


def _tags(source: str) -> Iterator[tuple[str, list[_Token]]]:
    position = 0
    while found := _OPENING.search(source, position):
        line = source.count("\n", 0, found.start()) + 1
        opening = found.group()
        if opening == "{#":
            position = source.find("#}", found.end()) + 2
            if position < 2:
                raise TemplateProblem(ProblemKind.UNCLOSED, line, opening)
            continue
        start = found.end()
        # A sign after the opening controls white space; it is not an operator.
        start += source[start : start + 1] in ("-", "+")
        tokens, position = _tokens(source, start, _CLOSING[opening], line)
        yield opening, tokens


def _tokens(source: str, start: int, closing: str, line: int) -> tuple[list[_Token], int]:
    tokens: list[_Token] = []
    position = start
    while match := _TOKEN.match(source, position):
        position = match.end()
        kind, text = str(match.lastgroup), match.group()
        if kind == "end":
            if not text.endswith(closing):
                break
            return tokens, position
        if kind != "space":
            tokens.append(_Token(kind, text, line))
        line += text.count("\n")
    raise TemplateProblem(ProblemKind.UNCLOSED, line, closing)


def _statement(tokens: list[_Token], source: str) -> tuple[_Token, list[_Token]]:
    if not tokens:
        raise TemplateProblem(ProblemKind.STATEMENT, source.count("\n") + 1)
    keyword, *rest = tokens
    if keyword.text not in STATEMENTS:
        raise TemplateProblem(ProblemKind.STATEMENT, keyword.line, keyword.text)
    return keyword, rest


def _check_loop(keyword: _Token, tokens: list[_Token], lists: Set[str]) -> None:
    """Allow `for item in items`, with filters that keep a list a list; never over letters."""
    words = [token.text for token in tokens]
    if len(words) < 3 or words[1] != "in" or tokens[0].kind != "name":
        raise TemplateProblem(ProblemKind.LOOP, keyword.line)
    if words[2] not in lists:
        raise TemplateProblem(ProblemKind.LOOP, keyword.line, words[2])
    pipes, filters = words[3::2], words[4::2]
    if len(pipes) != len(filters) or set(pipes) - {"|"} or set(filters) - LIST_FILTERS:
        raise TemplateProblem(ProblemKind.LOOP, keyword.line, " ".join(words[3:]))


def _check_expression(tokens: list[_Token]) -> None:
    filters = 0
    for index, token in enumerate(tokens):
        before, following = tokens[:index], tokens[index + 1 : index + 2]
        if token.kind == "text" and len(token.text) > MAX_LITERAL_CHARS + 2:
            raise TemplateProblem(ProblemKind.LITERAL, token.line, str(MAX_LITERAL_CHARS))
        if token.kind == "operator":
            _check_operator(token, before, following)
        if _is_pipe(before[-1:]):
            filters += 1
            _check_filter(token, following)
    if filters > MAX_FILTERS_IN_TAG:
        line, most = tokens[0].line, str(MAX_FILTERS_IN_TAG)
        raise TemplateProblem(ProblemKind.TOO_MANY_FILTERS, line, most)


def _check_operator(token: _Token, before: list[_Token], following: list[_Token]) -> None:
    after_value = bool(before) and _ends_value(before[-1])
    if token.text not in OPERATORS:
        raise TemplateProblem(ProblemKind.OPERATOR, token.line, token.text)
    if token.text == "(" and after_value and not _is_pipe(before[-2:-1]):
        raise TemplateProblem(ProblemKind.CALL, token.line, before[-1].text)
    if token.text == "[" and not after_value:
        raise TemplateProblem(ProblemKind.OPERATOR, token.line, "[")
    # A minus is the sign of a number, never between two values.
    is_sign = not after_value and bool(following) and following[0].kind == "number"
    if token.text == "-" and not is_sign:
        raise TemplateProblem(ProblemKind.OPERATOR, token.line, "-")


def _check_filter(token: _Token, following: list[_Token]) -> None:
    if token.text not in PLAIN_FILTERS | FILTERS_WITH_ARGUMENTS:
        raise TemplateProblem(ProblemKind.FILTER, token.line, token.text)
    has_arguments = bool(following) and following[0].text == "("
    if has_arguments and token.text not in FILTERS_WITH_ARGUMENTS:
        raise TemplateProblem(ProblemKind.ARGUMENTS, token.line, token.text)


def _is_pipe(tokens: list[_Token]) -> bool:
    return bool(tokens) and tokens[0].kind == "operator" and tokens[0].text == "|"


def _ends_value(token: _Token) -> bool:
    if token.kind == "operator":
        return token.text in {")", "]"}
    return token.text not in WORDS_BEFORE_VALUE
