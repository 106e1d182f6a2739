"""The size budget of the house: small functions, small files, thin views."""

from collections.abc import Callable

import pytest

from tests.architecture.source import PRODUCT, functions, percentile, sources

LONGEST_FUNCTION = 60
FUNCTION_P95 = 30
FUNCTION_MEDIAN = 8
LONGEST_FILE = 400
FILE_P95 = 250
VIEW_P95 = 20
# Empty files say nothing about how long files are.
SHORTEST_COUNTED = 3


def test_functions__of_the_product__are_at_most_60_lines() -> None:
    assert [f.place for f in functions(*PRODUCT) if f.lines > LONGEST_FUNCTION] == []


def test_functions__of_the_product__are_short_as_a_rule(
    record_property: Callable[[str, object], None],
) -> None:
    lengths = [function.lines for function in functions(*PRODUCT)]
    found = {"median": percentile(lengths, 0.5), "p95": percentile(lengths, 0.95)}
    record_property("functions", {"count": len(lengths), **found})
    assert found["p95"] <= FUNCTION_P95, _longest()
    assert found["median"] <= FUNCTION_MEDIAN


def test_views__of_the_product__only_translate() -> None:
    lengths = [function.lines for function in functions(*PRODUCT) if function.is_view]
    if lengths:
        assert percentile(lengths, 0.95) <= VIEW_P95, _longest(views=True)


@pytest.mark.parametrize("folders", [PRODUCT, ("tests",)])
def test_files__of_product_and_tests__are_at_most_400_lines(folders: tuple[str, ...]) -> None:
    found = [(s.name, s.lines) for s in sources(*folders) if s.lines > LONGEST_FILE]
    assert found == []


def test_files__of_the_product__are_short_as_a_rule() -> None:
    lengths = [s.lines for s in sources(*PRODUCT) if s.lines >= SHORTEST_COUNTED]
    assert percentile(lengths, 0.95) <= FILE_P95


def test_modules__of_the_product__open_with_a_line_on_what_lives_there() -> None:
    without = [
        source.name
        for source in sources(*PRODUCT)
        if source.lines and not source.text.startswith('"""')
    ]
    assert without == []


def _longest(*, views: bool = False) -> list[str]:
    chosen = [f for f in functions(*PRODUCT) if f.is_view or not views]
    ordered = sorted(chosen, key=lambda function: -function.lines)
    return [f"{function.lines} {function.place}" for function in ordered[:15]]
