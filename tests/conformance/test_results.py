"""The table says what became of the cases."""

import pytest

from tests.conformance.catalogue import Case
from tests.conformance.results import Gathered, table

CASES = {
    id_: Case(id_, profile, "mandatory", True, f"name of {id_}")
    for id_, profile in (
        ("TC_A_01_CS", "Core"),
        ("TC_A_02_CS", "Core"),
        ("TC_B_01_CS", "Core"),
        ("TC_M_01_CS", "Other"),
    )
}


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


def test_the_table_counts_each_case_once_and_says_why() -> None:
    shown = table(CASES, {"TC_A_01_CS": "", "TC_A_02_CS": "no answer"}, {"TC_M_01_CS": "it has none"}, colour=False)
    rows = [line.split() for line in shown.splitlines()[1:4]]
    assert rows == [["Core", "3", "1", "2", "0"], ["Other", "1", "0", "0", "1"], ["all", "4", "1", "2", "1"]]
    assert "TC_A_02_CS  name of TC_A_02_CS\n              no answer" in shown
    assert "TC_B_01_CS  name of TC_B_01_CS\n              no result" in shown
    assert "TC_M_01_CS  name of TC_M_01_CS\n              it has none" in shown
    assert "\33" not in shown


def test_colours_are_for_a_terminal() -> None:
    assert "\33[31mall" in table(CASES, {}, {}, colour=True)
    assert "\33[32mall" in table(CASES, dict.fromkeys(CASES, ""), {}, colour=True)
