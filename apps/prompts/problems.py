"""What is wrong with a template, said to its author in the language of the page."""

from django.utils.text import capfirst
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from apps.core.errors import InvalidRequest
from apps.prompts.faults import FaultKind, PromptFault
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

FAULTS = {
    FaultKind.TOO_MANY_VARIABLES: _("A template has at most %(most)s variables."),
    FaultKind.DECLARED_TWICE: _(
        "The variable “%(name)s” is declared twice; give one of the two another name."
    ),
    FaultKind.NO_DECLARATION: _("A variable needs a name and a type."),
    FaultKind.NAME: _(
        "The name of a variable begins with a lower-case letter, has only lower-case letters, "
        "digits and underscores, at most 40, and is no word of the template language, such as "
        "“if” or “loop”."
    ),
    FaultKind.TYPE: _("The type of a variable is text, number, yes or no, or list."),
    FaultKind.REQUIRED: _("Say whether the variable is required."),
    FaultKind.DEFAULT_OF_REQUIRED: _(
        "The variable “%(name)s” is required, so it has no default; make it optional or leave "
        "its default empty."
    ),
    FaultKind.NUMBER_WITHOUT_DEFAULT: _(
        "The variable “%(name)s” is an optional number; give it a default or make it required."
    ),
    FaultKind.UNDECLARED: _(
        "The variable “%(name)s” is not declared; leave it out or add it to the variables."
    ),
    FaultKind.MISSING: _("The variable “%(name)s” is required; give it a value."),
    FaultKind.VALUES_TOO_LONG: _(
        "All values together have more than %(most)s characters; shorten them."
    ),
    FaultKind.NOT_A_TEXT: _("%(subject)s must be a text, not %(given)s."),
    FaultKind.TEXT_TOO_LONG: _("%(subject)s has %(count)s characters; shorten it to %(most)s."),
    FaultKind.NOT_UNICODE: _("%(subject)s holds a character that is not text; remove it."),
    FaultKind.NOT_A_NUMBER: _("%(subject)s must be a number, not %(given)s."),
    FaultKind.NUMBER_TOO_LARGE: _("%(subject)s must be a number between -%(most)s and %(most)s."),
    FaultKind.NOT_A_BOOLEAN: _("%(subject)s must be yes or no, not %(given)s."),
    FaultKind.NOT_A_LIST: _("%(subject)s must be a list, not %(given)s."),
    FaultKind.TOO_MANY_ITEMS: _("%(subject)s has %(count)s items; shorten it to %(most)s."),
    FaultKind.NO_MESSAGES: _("Write at least one message."),
    FaultKind.TOO_MANY_MESSAGES: _("A template has at most %(most)s messages."),
    FaultKind.NO_MESSAGE: _("A message needs a speaker and a text."),
    FaultKind.ROLE: _("A message is spoken by the system, the user or the assistant."),
    FaultKind.NO_TEXT: _("Write what the message says."),
    FaultKind.OUTPUT_TOO_LONG: _(
        "The prompt becomes longer than %(most)s characters; shorten the values."
    ),
    FaultKind.FILTER_NEEDS_LIST: _(
        "The filter “%(filter)s” works on a list only; declare its variable as a list or leave "
        "the filter out."
    ),
    FaultKind.NOT_RENDERED: _("The template does not work with these values (%(reason)s)."),
}
# By the name that minijinja gives to a kind of error.
CAUSES = {
    "OutOfFuel": _("The template takes too many steps; shorten its loops."),
    "UndefinedError": _(
        "The template reads what a value does not have, such as an item past the end of a list."
    ),
}
GIVEN = {
    "text": _("a text"),
    "boolean": _("a yes or no"),
    "number": _("a number"),
    "list": _("a list"),
    "object": _("something else"),
}


class TemplateRefused(InvalidRequest):
    """A template with a problem, told in English; pages describe the problem in their language."""

    def __init__(self, problem: TemplateProblem) -> None:
        words = {"problem": problem.kind.value, "line": problem.line, "word": problem.word}
        with override("en"):
            super().__init__(describe(problem), param=problem.param, details=words)
        self.problem = problem


def describe(problem: TemplateProblem) -> str:
    """Return one sentence with the line, the word and the way out."""
    return str(MESSAGES[problem.kind] % {"line": problem.line, "word": problem.word})


def describe_error(error: InvalidRequest) -> str:
    """Return what the page says about a refusal: faults in its language, other errors as is."""
    if isinstance(error, TemplateRefused):
        return describe(error.problem)
    if not isinstance(error, PromptFault):
        return error.message
    sentence = CAUSES.get(error.words.get("cause", ""), FAULTS[error.kind])
    given = GIVEN.get(error.words.get("given", ""), "")
    words = {**error.words, "subject": _subject(error), "given": given}
    return capfirst(str(sentence % words))


def _subject(fault: PromptFault) -> str:
    """Return whose value is wrong: a variable's, its default, or an item of either."""
    name = f"“{fault.words.get('name', '')}”"
    if fault.words.get("of_default"):
        name = now("the default of %(name)s") % {"name": name}
    if "item" not in fault.words:
        return name
    # People count from one.
    return now("item %(number)s of %(name)s") % {"number": fault.words["item"] + 1, "name": name}
