"""The tables of verdicts that a test run prints at its end."""

from typing import Literal

import pytest

from tests.matrix import Matrix, Tables, Verdict, lines_of


@pytest.fixture
def tables() -> Tables:
    return Tables()


def run(
    tables: Tables,
    outcome: Literal["passed", "failed"],
    case: str,
    verdict: Verdict = "as the test",
) -> None:
    """Let a test note a case in the one cell, and end."""
    noted: list[tuple[str, object]] = []
    Matrix(lambda name, value: noted.append((name, value))).note(
        "Doors", "chat", "google", case, verdict
    )
    for when in ("setup", "call", "teardown"):
        tables.pytest_runtest_logreport(
            pytest.TestReport(
                "test", ("test", 0, "test"), {}, outcome, None, when, user_properties=noted
            )
        )


def test_cell__of_tests_that_passed__counts_them(tables: Tables) -> None:
    for case in ("text", "tools", "text"):
        run(tables, "passed", case)
    assert lines(tables) == ["      google", "chat  2/2"]


def test_cell__of_a_test_that_failed_once__names_the_case(tables: Tables) -> None:
    for outcome in ("passed", "failed", "passed"):
        run(tables, outcome, "text")
    run(tables, "passed", "tools")
    assert lines(tables)[1] == "chat  1/2 not: text"


def test_verdict__given_by_the_test__outweighs_its_outcome(tables: Tables) -> None:
    run(tables, "failed", "text", "held")
    run(tables, "passed", "image", "refused")
    run(tables, "passed", "tools", "failed")
    assert lines(tables)[1] == "chat  2/3 (1 refused) not: tools"


def test_pair__that_nobody_tried__is_a_dash() -> None:
    cells: dict[tuple[str, str], dict[str, Verdict]] = {
        ("chat", "google"): {"text": "held"},
        ("messages", "palm"): {"text": "held"},
    }
    assert list(lines_of(cells)) == [
        "          google  palm",
        "chat      1/1     -",
        "messages  -       1/1",
    ]


def lines(tables: Tables) -> list[str]:
    """Return the table as it would be printed."""
    return list(lines_of(tables.cells["Doors"]))
