"""The cases of a certification programme, which of them have a test here, and why the others have none."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.conformance.v16.not_applicable import NOT_APPLICABLE as REASONS_16
from tests.conformance.v201.not_applicable import NOT_APPLICABLE as REASONS_201


class Case(NamedTuple):
    """A row of cases.tsv."""

    id: str
    profile: str
    name: str


class Written(NamedTuple):
    """A test function of a case."""

    id: str
    docstring: str
    file: str


class Programme(NamedTuple):
    """Of one version."""

    version: str
    folder: Path
    """cases.tsv and the tests"""
    not_applicable: Mapping[str, str]
    """by id: why there is no test"""

    def cases(self) -> dict[str, Case]:
        """By id, in the order of the catalogue."""
        head, *lines = (self.folder / "cases.tsv").read_text(encoding="utf-8").splitlines()
        rows = [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]
        return {row["id"]: Case(row["id"], row["profile"], row["name"]) for row in rows}

    def written(self) -> list[Written]:
        """Found without importing, so that a broken file is told by the run and not here."""
        return [each for file in sorted(self.folder.glob("test_*.py")) for each in _functions(file)]

    def lost(self) -> list[str]:
        """Tests that pytest never sees: a mark that is given a function and nothing else decorates that function."""
        return [each for file in sorted(self.folder.glob("test_*.py")) for each in _lost(file)]


HERE = Path(__file__).parent
PROGRAMMES = (Programme("1.6", HERE / "v16", REASONS_16), Programme("2.0.1", HERE / "v201", REASONS_201))


def doubled(tests: list[Written]) -> list[str]:
    return [id_ for id_, count in Counter(test.id for test in tests).items() if count > 1]


def case_id(function: str) -> str | None:
    """ "test_tc_b_01_cs" or "test_tc_b_01_cs[...]" -> "TC_B_01_CS"; None for a test of no case."""
    name = function.partition("[")[0]
    return name.removeprefix("test_").upper() if name.startswith("test_tc_") else None


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
