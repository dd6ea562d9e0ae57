"""The time is taken by `time.time()` and `time.monotonic()` alone: so a test can put another clock under all."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [file for package in ("chargepointd", "hal") for file in sorted((ROOT / package).rglob("*.py"))]
OTHERS = {"now", "utcnow", "today", "localtime"}
NOW_IF_BARE = {"gmtime", "ctime", "asctime"}
"""show the present moment where none is given"""


def other_clocks(source: str) -> list[int]:
    """Lines."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr | ast.stmt) if _asks(node)]


def _asks(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "time"
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    name, of = node.func.attr, node.func.value
    clock = isinstance(of, ast.Name | ast.Attribute) and ast.unparse(of).split(".")[-1] in ("datetime", "date", "time")
    if name == "strftime" and ast.unparse(of) == "time":
        return len(node.args) < 2
    return clock and (name in OTHERS or (name in NOW_IF_BARE and not node.args))


@pytest.mark.parametrize(
    "source",
    [
        "from time import time",
        "from time import monotonic as now",
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "time.localtime(5)",
        "time.gmtime()",
        "time.strftime('%Y')",
    ],
)
def test_another_clock_is_found(source: str) -> None:
    assert other_clocks(f"import time\n{source}") == [2]


def test_nobody_asks_another_clock() -> None:
    found = {str(file.relative_to(ROOT)): other_clocks(file.read_text("utf-8")) for file in FILES}
    assert {file: lines for file, lines in found.items() if lines} == {}
    assert len(found) > 200
    assert other_clocks("time.time(), time.gmtime(time.time()), time.strftime('%Y', time.gmtime(0)), clock.now()") == []
