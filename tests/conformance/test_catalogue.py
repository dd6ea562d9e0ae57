"""Every case of the programme has one test, or a reason why it has none."""

from tests.conformance.catalogue import cases, doubled, lost, written
from tests.conformance.v201.not_applicable import NOT_APPLICABLE


def test_every_case_has_one_test_or_a_reason() -> None:
    tests = written()
    named = {test.id for test in tests}
    assert not doubled(tests), f"more than one test: {doubled(tests)}"
    assert not named & set(NOT_APPLICABLE), "a test, and a reason to have none"
    assert not set(cases()) - named - set(NOT_APPLICABLE), "neither a test nor a reason"


def test_no_test_and_no_reason_is_for_a_case_that_does_not_exist() -> None:
    known = set(cases())
    assert not {test.id for test in written()} - known
    assert not set(NOT_APPLICABLE) - known


def test_each_test_is_called_what_its_case_is_called() -> None:
    names = {case.id: case.name for case in cases().values()}
    wrong = {t.id: (t.docstring, names[t.id]) for t in written() if t.id in names and t.docstring != names[t.id]}
    assert not wrong


def test_no_mark_takes_a_test_away() -> None:
    assert not lost()
