"""The cases of the certification programme, which of them have a test here, and why the others have none."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent / "v201"


class Case(NamedTuple):
    """A row of cases.tsv."""

    id: str
    profile: str
    status: str
    """mandatory; conditional: only for a station with certain features; dropped: from the programme"""
    seed: bool
    """among those that a certified DC station is known to have passed"""
    name: str


class Written(NamedTuple):
    """A test function of a case."""

    id: str
    docstring: str
    file: str


def cases() -> dict[str, Case]:
    """By id, in the order of the catalogue."""
    lines = (HERE / "cases.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return {row[0]: Case(row[0], row[1], row[2], row[3] == "yes", row[4]) for row in rows}


def written() -> list[Written]:
    """Found without importing, so that a broken file is told by the run and not here."""
    return [each for file in sorted(HERE.glob("test_*.py")) for each in _functions(file)]


def doubled(tests: list[Written]) -> list[str]:
    return [id_ for id_, count in Counter(test.id for test in tests).items() if count > 1]


def case_id(function: str) -> str | None:
    """ "test_tc_b_01_cs" or "test_tc_b_01_cs[...]" -> "TC_B_01_CS"; None for a test of no case."""
    name = function.partition("[")[0]
    return name.removeprefix("test_").upper() if name.startswith("test_tc_") else None


def lost() -> list[str]:
    """Tests that pytest never sees: a mark that is given a function and nothing else decorates that function."""
    return [each for file in sorted(HERE.glob("test_*.py")) for each in _lost(file)]


def _lost(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        for each in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
            if (
                isinstance(each, ast.Call)
                and ast.unparse(each.func).startswith("pytest.mark.under")
                and not each.keywords
            ):
                yield f"{file.name}: {node.name}"


def _functions(file: Path) -> Iterator[Written]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and (id_ := case_id(node.name)):
            yield Written(id_, " ".join((ast.get_docstring(node) or "").split()), file.name)
