"""What pages show of types and values can be typed back, in each language."""

import pytest
from django.utils.translation import override

from apps.prompts.admin.wording import ROLE_NAMES, ROLES, TYPES, sample_of, shown_value
from apps.prompts.prompt_engine import ROLES as ALL_ROLES
from apps.prompts.typed_values import to_value
from apps.prompts.variables import TYPES as ALL_TYPES

LANGUAGES = ("en", "pt-br")


def test_wording__of_roles_and_types__is_complete() -> None:
    assert {role for role, _label in ROLES} == set(ROLE_NAMES) == set(ALL_ROLES)
    assert {kind for kind, _label in TYPES} == set(ALL_TYPES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ALL_TYPES)
def test_sample_of__every_type__can_be_read_back(kind: str, language: str) -> None:
    with override(language):
        assert to_value(kind, sample_of(kind, "name")) is not None


@pytest.mark.parametrize(("language", "words"), [("en", ("yes", "no")), ("pt-br", ("sim", "não"))])
def test_shown_value__yes_or_no__is_said_and_read_in_the_language(
    language: str, words: tuple[str, str]
) -> None:
    with override(language):
        shown = (shown_value(True), shown_value(False))
    assert shown == words
    assert [to_value("boolean", word) for word in shown] == [True, False]
