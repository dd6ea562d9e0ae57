"""The table says what became of the cases."""

from pathlib import Path

import pytest

from tests.conformance.catalogue import Programme
from tests.conformance.results import Gathered, table

CASES = {"TC_A_01_CS": "Core", "TC_A_02_CS": "Core", "TC_B_01_CS": "Core", "TC_M_01_CS": "Other"}


def programme(folder: Path, version: str = "2.0.1", **reasons: str) -> Programme:
    rows = [f"{id_}\t{profile}\tname of {id_}" for id_, profile in CASES.items()]
    (folder / "cases.tsv").write_text("\n".join(["id\tprofile\tname", *rows]) + "\n", encoding="utf-8")
    return Programme(version, folder, reasons)


def report(name: str, outcome: str, when: str = "call") -> pytest.TestReport:
    place = ("tests/conformance/v201/test_a.py", 1, name)
    return pytest.TestReport(f"{place[0]}::{name}", place, {}, outcome, "it broke", when)  # type: ignore[arg-type]


def test_a_case_has_passed_when_all_its_variants_have() -> None:
    gathered = Gathered()
    for name, outcome in (("test_tc_a_01_cs[one]", "passed"), ("test_tc_a_01_cs[two]", "failed")):
        gathered.pytest_runtest_logreport(report(name, outcome))
    gathered.pytest_runtest_logreport(report("test_tc_a_01_cs[three]", "passed"))
    gathered.pytest_runtest_logreport(report("test_tc_a_02_cs", "passed"))
    assert gathered.outcomes == {"TC_A_01_CS": "call [two]", "TC_A_02_CS": ""}
    assert not gathered.strays


def test_what_fails_but_is_no_case_is_told() -> None:
    gathered = Gathered()
    gathered.pytest_runtest_logreport(report("test_something_else", "failed"))
    assert len(gathered.strays) == 1 and not gathered.outcomes


def test_a_skipped_case_has_not_passed() -> None:
    gathered = Gathered()
    gathered.pytest_runtest_logreport(report("test_tc_a_01_cs", "skipped"))
    assert gathered.outcomes == {"TC_A_01_CS": "skipped"}


def test_the_table_counts_each_case_once_and_says_why(tmp_path: Path) -> None:
    outcomes = {"TC_A_01_CS": "", "TC_A_02_CS": "no answer"}
    shown = table([programme(tmp_path, TC_M_01_CS="it has none")], outcomes, colour=False)
    rows = [line.split() for line in shown.splitlines()[1:4]]
    assert rows == [
        ["2.0.1", "Core", "3", "1", "2", "0"],
        ["2.0.1", "Other", "1", "0", "0", "1"],
        ["all", "4", "1", "2", "1"],
    ]
    assert "TC_A_02_CS  name of TC_A_02_CS\n              no answer" in shown
    assert "TC_B_01_CS  name of TC_B_01_CS\n              no result" in shown
    assert "TC_M_01_CS  name of TC_M_01_CS\n              it has none" in shown
    assert "\33" not in shown


def test_the_table_has_a_row_for_each_version_and_profile(tmp_path: Path) -> None:
    shown = table([programme(tmp_path, "1.6"), programme(tmp_path)], dict.fromkeys(CASES, ""), colour=False)
    named = [tuple(line.split()[:2]) for line in shown.splitlines()[1:]]
    assert named == [("1.6", "Core"), ("1.6", "Other"), ("2.0.1", "Core"), ("2.0.1", "Other"), ("all", "8")]


def test_colours_are_for_a_terminal(tmp_path: Path) -> None:
    assert "\33[31mall" in table([programme(tmp_path)], {}, colour=True)
    assert "\33[32mall" in table([programme(tmp_path)], dict.fromkeys(CASES, ""), colour=True)
