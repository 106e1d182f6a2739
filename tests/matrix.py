"""Tables of verdicts at the end of a test run: one row and one column for each pair that is tried.

A test says where it belongs: `matrix.note("Doors x providers", "openai chat", "google", "text")`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest

type Verdict = Literal["held", "failed", "refused", "as the test"]
type Cell = dict[str, Verdict]

PROPERTY = "matrix"
GAP = "  "


@dataclass(frozen=True, slots=True)
class Matrix:
    """What one test adds to the tables."""

    _record: Callable[[str, object], None]

    def note(
        self, table: str, row: str, column: str, case: str, verdict: Verdict = "as the test"
    ) -> None:
        """Put a case into a cell; "refused" is a case that the pair cannot do and says so."""
        # A list of texts travels from the workers of a parallel run as it is.
        self._record(PROPERTY, [table, row, column, case, verdict])


# Compared by identity, as plugins must be.
@dataclass(slots=True, eq=False)
class Tables:
    """Every table of the run by its title, then by row and column."""

    cells: dict[str, dict[tuple[str, str], Cell]] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test has noted, once."""
        if report.when != "call":
            return
        for name, noted in report.user_properties:
            if name == PROPERTY and isinstance(noted, list):
                self._add(noted, "held" if report.passed else "failed")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables that have anything in them."""
        for title, cells in sorted(self.cells.items()):
            terminalreporter.section(title, sep="-")
            for line in lines_of(cells):
                terminalreporter.write_line(line)

    def _add(self, noted: list[str], outcome: Verdict) -> None:
        title, row, column, case, verdict = noted
        cell = self.cells.setdefault(title, {}).setdefault((row, column), {})
        said = outcome if verdict == "as the test" else verdict_of(verdict)
        # What failed once has failed: a case may be tried in several ways.
        cell[case] = "failed" if "failed" in (said, cell.get(case)) else said


@pytest.fixture
def matrix(record_property: Callable[[str, object], None]) -> Matrix:
    """Where a test notes its cell."""
    return Matrix(record_property)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Tables(), "matrix-tables")


def verdict_of(text: str) -> Verdict:
    """Read a verdict that has travelled as text; what is none is a failure."""
    return "held" if text == "held" else "refused" if text == "refused" else "failed"


def lines_of(cells: Mapping[tuple[str, str], Cell]) -> Iterator[str]:
    """Lay a table out: cells say how many cases held, and which did not."""
    rows, columns = (sorted({pair[at] for pair in cells}) for at in (0, 1))
    table = [["", *columns]]
    table += [[row, *(_text(cells.get((row, name), {})) for name in columns)] for row in rows]
    widths = [max(len(line[at]) for line in table) for at in range(len(columns) + 1)]
    for line in table:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        yield GAP.join(padded).rstrip()


def _text(cell: Cell) -> str:
    """Return `9/9 (1 refused)`, with the names of the cases that failed after it."""
    if not cell:
        return "-"
    failed = sorted(case for case, verdict in cell.items() if verdict == "failed")
    refused = list(cell.values()).count("refused")
    held = len(cell) - len(failed)
    note = f" ({refused} refused)" if refused else ""
    return f"{held}/{len(cell)}{note}" + (f" not: {', '.join(failed)}" if failed else "")
