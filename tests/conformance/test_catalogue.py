"""Every case of the programme of each version has one test, or a reason why it has none."""

import pytest

from tests.conformance.catalogue import PROGRAMMES, Programme, doubled

each_programme = pytest.mark.parametrize("programme", PROGRAMMES, ids=lambda programme: programme.version)


@each_programme
def test_every_case_has_a_test_or_a_reason(programme: Programme) -> None:
    named = {test.id for test in programme.written()}
    assert not set(programme.cases()) - named - set(programme.not_applicable), "neither a test nor a reason"


@each_programme
def test_no_case_has_two_tests_or_a_reason_besides(programme: Programme) -> None:
    tests = programme.written()
    assert not doubled(tests), f"more than one test: {doubled(tests)}"
    assert not {test.id for test in tests} & set(programme.not_applicable), "a test, and a reason to have none"


@each_programme
def test_no_test_and_no_reason_is_for_a_case_that_does_not_exist(programme: Programme) -> None:
    known = set(programme.cases())
    assert not {test.id for test in programme.written()} - known
    assert not set(programme.not_applicable) - known


@each_programme
def test_each_test_is_called_what_its_case_is_called(programme: Programme) -> None:
    names = {case.id: case.name for case in programme.cases().values()}
    tests = programme.written()
    wrong = {t.id: (t.docstring, names[t.id]) for t in tests if t.id in names and t.docstring != names[t.id]}
    assert not wrong


@each_programme
def test_no_mark_takes_a_test_away(programme: Programme) -> None:
    assert not programme.lost()
