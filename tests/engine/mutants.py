"""Changes the engine in one place at a time and tells which changes no test notices.

`python -m tests.engine.mutants [EVERY]` tries every so-manieth change (default: each) against the
tests of tables and cases, in this process, and prints what survived. A comparison is turned round
or moved by one, `and` becomes `or`, `not` goes, a whole number moves by one, a flag flips.
"""

import ast
import copy
import importlib
import inspect
import itertools
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple, override

PACKAGE = "apps.routing.engine"
ENGINE = Path(__file__).parents[2] / "apps" / "routing" / "engine"
MODULES = (
    *("operators", "conditions", "compile_conditions", "fields", "filters", "rules"),
    *("strategies", "attempts", "request_router", "trace", "compile", "pricing"),
    *("averages", "health", "readiness", "prediction", "load_balancer"),
)
# Nothing in them depends on a module that is changed.
UNTOUCHED = frozenset(f"{PACKAGE}.{name}" for name in ("types", "hashing", "sentences"))
TESTS = (
    *("operators", "conditions", "filters", "rules", "compile_conditions", "fields", "compile"),
    *("strategies", "pricing", "trace", "request_router", "cases", "averages", "readiness"),
    *("health", "health_ejection", "load_balancer", "load_balancer_homes", "load_balancer_waits"),
    *("readiness_waits", "load_balancer_rests"),
)
LONGEST_SECONDS = 20.0
FLIPS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
SAID_ELSEWHERE = (ast.Compare, ast.BoolOp, ast.UnaryOp)

type Change = Callable[[Any], ast.AST]


class Mutant(NamedTuple):
    """One changed module; `told` is the changed line, before and after."""

    module: str
    told: str
    code: CodeType


class TooSlow(Exception):
    """A change that never ends is noticed too."""


# --- changes -------------------------------------------------------------------------------------


def mutants(name: str) -> Iterator[Mutant]:
    """Yield every change of a module of the engine."""
    tree = ast.parse((ENGINE / f"{name}.py").read_text(encoding="utf-8"))
    lines = ast.unparse(tree).splitlines()
    for place, node in enumerate(ast.walk(tree)):
        for change in changes_of(node):
            changed = copy.deepcopy(tree)
            replaced = next(itertools.islice(ast.walk(changed), place, None))
            changed = _Replace(replaced, change).visit(changed)
            source = ast.unparse(ast.fix_missing_locations(changed))
            before, after = _difference(lines, source.splitlines())
            told = f"{name}: {before} -> {after}"
            yield Mutant(name, told, compile(source, f"<{told}>", "exec"))


def changes_of(node: ast.AST) -> Iterator[Change]:
    """Yield what can be done to a node; each takes a copy of it and returns another one."""
    match node:
        case ast.Compare(ops=operators):
            for place, operator in enumerate(operators):
                for flip in FLIPS[type(operator)]:
                    yield partial(_with_operator, place=place, operator=flip())
        case ast.BoolOp(op=operator):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield lambda old: ast.BoolOp(other, old.values)
        case ast.UnaryOp(op=ast.Not()):
            yield lambda old: old.operand
        case ast.Constant(value=bool(value)):
            yield lambda _old: ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield lambda _old: ast.Constant(value + 1)
            yield lambda _old: ast.Constant(value - 1)
        case ast.If() | ast.IfExp() if not isinstance(node.test, SAID_ELSEWHERE):
            yield _with_test_negated


def _with_operator(old: ast.Compare, *, place: int, operator: ast.cmpop) -> ast.Compare:
    operators = [*old.ops[:place], operator, *old.ops[place + 1 :]]
    return ast.Compare(old.left, operators, old.comparators)


def _with_test_negated(old: ast.If | ast.IfExp) -> ast.AST:
    old.test = ast.UnaryOp(ast.Not(), old.test)
    return old


class _Replace(ast.NodeTransformer):
    def __init__(self, node: ast.AST, change: Change) -> None:
        self._node = node
        self._change = change

    @override
    def visit(self, node: ast.AST) -> Any:
        return self._change(node) if node is self._node else self.generic_visit(node)


def _difference(before: list[str], after: list[str]) -> tuple[str, str]:
    place = next(n for n, (old, new) in enumerate(zip(before, after, strict=True)) if old != new)
    return before[place].strip(), after[place].strip()


# --- tests ---------------------------------------------------------------------------------------


def is_noticed(mutant: Mutant) -> bool:
    """Run the tests against a changed module until one fails."""
    signal.setitimer(signal.ITIMER_REAL, LONGEST_SECONDS)
    try:
        _install(mutant)
        for name in sorted(TESTS, key=lambda name: name != mutant.module):
            for test in _tests_of(importlib.import_module(f"tests.engine.test_{name}")):
                test()
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - whatever goes wrong is the change being noticed
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return False


def _install(mutant: Mutant) -> None:
    """Forget the engine and its tests, so that all import the changed module anew."""
    for name in list(sys.modules):
        is_engine = name.startswith(f"{PACKAGE}.") and name not in UNTOUCHED
        if is_engine or (name.startswith("tests.engine.") and name != __name__):
            del sys.modules[name]
    name = f"{PACKAGE}.{mutant.module}"
    module = ModuleType(name)
    sys.modules[name] = module
    exec(mutant.code, module.__dict__)  # noqa: S102 - our own source, changed by us


def _tests_of(module: ModuleType) -> Iterator[Callable[[], None]]:
    """Yield the calls of all tests of a module that need no fixture, as pytest would make them."""
    for name, function in list(vars(module).items()):
        if not name.startswith("test_"):
            continue
        columns = [_arguments(mark) for mark in getattr(function, "pytestmark", ())]
        for row in itertools.product(*columns):
            arguments = {key: value for part in row for key, value in part.items()}
            if inspect.signature(function).parameters.keys() == arguments.keys():
                yield partial(function, **arguments)


def _arguments(mark: Any) -> list[dict[str, Any]]:
    names, rows = mark.args
    if not isinstance(names, str):
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [{names: value} for value in rows]


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlow


def survivors(every: int) -> list[str]:
    """Return the changes that no test notices, of every so-manieth."""
    source = (ENGINE / f"{MODULES[0]}.py").read_text(encoding="utf-8")
    if is_noticed(Mutant(MODULES[0], "unchanged", compile(source, MODULES[0], "exec"))):
        raise RuntimeError("the tests fail before anything is changed")
    chosen = itertools.islice(
        itertools.chain.from_iterable(map(mutants, MODULES)), None, None, every
    )
    return [mutant.told for mutant in chosen if not is_noticed(mutant)]


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _give_up)
    sys.stdout.writelines(
        f"{told}\n" for told in survivors(int(sys.argv[1]) if sys.argv[1:] else 1)
    )
