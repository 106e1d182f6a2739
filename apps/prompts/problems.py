"""What is wrong with a template, said to its author in the language of the page."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import InvalidRequest
from apps.prompts.template_grammar import ProblemKind, TemplateProblem

MESSAGES = {
    ProblemKind.TOO_LONG: _("The message is longer than %(word)s characters."),
    ProblemKind.UNCLOSED: _("Line %(line)s: a tag is not closed; “%(word)s” is missing."),
    ProblemKind.STATEMENT: _(
        "Line %(line)s: “%(word)s” is not allowed; use if, elif, else, endif, for, endfor."
    ),
    ProblemKind.OPERATOR: _(
        "Line %(line)s: “%(word)s” is not allowed; compare values, do not calculate with them."
    ),
    ProblemKind.FILTER: _("Line %(line)s: there is no filter “%(word)s”."),
    ProblemKind.ARGUMENTS: _("Line %(line)s: the filter “%(word)s” takes no arguments."),
    ProblemKind.CALL: _("Line %(line)s: “%(word)s” cannot be called; use filters."),
    ProblemKind.LITERAL: _(
        "Line %(line)s: a text inside a tag is longer than %(word)s characters."
    ),
    ProblemKind.TOO_MANY_FILTERS: _("Line %(line)s: more than %(word)s filters in one tag."),
    ProblemKind.LOOP: _("Line %(line)s: loop over a declared list: {%% for item in items %%}."),
    ProblemKind.NESTED_LOOP: _("Line %(line)s: a loop inside a loop is not allowed."),
    ProblemKind.SYNTAX: _("Line %(line)s: %(word)s."),
    ProblemKind.UNDECLARED: _(
        "Line %(line)s: the variable “%(word)s” is not declared; add it to the variables."
    ),
}


def describe(problem: TemplateProblem) -> str:
    """Return one sentence with the line, the word and the way out."""
    return str(MESSAGES[problem.kind] % {"line": problem.line, "word": problem.word})


def as_invalid_request(problem: TemplateProblem) -> InvalidRequest:
    """Return the problem as the API reports it."""
    return InvalidRequest(
        describe(problem),
        param=problem.param,
        details={"problem": problem.kind.value, "line": problem.line, "word": problem.word},
    )
