"""Versions that a resolver could get wrong without anybody noticing."""

from importlib.metadata import version

import pytest


def _parts(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version(name).split(".")[:2])


@pytest.mark.parametrize(
    ("name", "oldest"),
    [
        # It declares Django<6.1; left alone, a resolver falls back to 2.1 from the year 2020.
        ("django-celery-beat", (2, 9)),
        ("django", (6, 1)),
        ("django-unfold", (0, 110)),
        ("celery", (5, 7)),
        ("redis", (8, 1)),
    ],
)
def test_version__of_what_resolvers_get_wrong__is_new_enough(
    name: str, oldest: tuple[int, ...]
) -> None:
    assert _parts(name) >= oldest


def test_django__the_line_that_is_supported__is_6_1() -> None:
    assert _parts("django") == (6, 1)
