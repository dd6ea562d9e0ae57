"""The books tell what does not add up, and nothing else."""

from itertools import count
from typing import Any

import pytest

from tests.csms.books import Books
from tests.csms.fake_station import TOKEN, event
from tests.csms.transcript import Message


@pytest.fixture
def books() -> Books:
    return Books()


def enter(books: Books, *events: dict[str, Any], action: str = "TransactionEvent") -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    for payload in events:
        answers.append({})
        books.enter(Message("station", "call", "", action=action, payload=payload, number=len(answers)), answers[-1])
    return answers


WHOLE = (
    event("Started", 0, 0, 100.0, idToken=TOKEN, evse={"id": 2}),
    event("Updated", 1, 10, 150.0),
    event("Ended", 2, 20, 175.5),
)


def test_a_whole_transaction_adds_up_in_any_order_of_arrival(books):
    enter(books, WHOLE[2], WHOLE[0], WHOLE[1])
    assert books.check() == []
    booked = books.only()
    assert (booked.kinds, booked.energy_wh) == (["Started", "Updated", "Ended"], 75.5)
    assert (booked.token, booked.evse, booked.reason, books.open) == ("04A2", 2, "Local", [])


def test_a_resend_counts_once(books):
    enter(books, WHOLE[0], WHOLE[0], WHOLE[1], WHOLE[1], WHOLE[2])
    assert books.check() == []
    assert (books.only().duplicates, books.energy_wh) == (2, 75.5)


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ((WHOLE[0], WHOLE[2]), "no report with seqNo 1"),
        ((WHOLE[1], WHOLE[2]), "no report with seqNo 0"),
        ((event("Updated", 0),), "begins with Updated"),
        ((*WHOLE, event("Updated", 3, 30)), "after Ended"),
        ((*WHOLE, event("Ended", 3, 30)), "Ended more than once"),
        ((WHOLE[0], event("Started", 1, 10)), "Started more than once"),
        ((WHOLE[0], event("Started", 0, 1)), "two different reports with seqNo 0"),
        ((event("Started", 0, 10), event("Updated", 1, 9)), "time runs back"),
        ((event("Started", 0, 0, 100.0), event("Updated", 1, 1, 99.9)), "register runs back"),
    ],
)
def test_what_does_not_add_up_is_told(books, events, problem):
    enter(books, *events)
    assert any(problem in told for told in books.check()), books.check()


def test_the_unit_and_multiplier_of_a_sample_count(books):
    sampled = {"value": 1.5, "unitOfMeasure": {"unit": "kWh", "multiplier": 1}}
    value = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [sampled, {"value": 7, "measurand": "Voltage"}]}
    enter(books, event("Started", 0, meterValue=[value]))
    assert [sample.energy_wh for sample in books.only().samples] == [15000.0]


def start_16(meter: int = 1000, tag: str = "04A2") -> dict[str, Any]:
    return {"connectorId": 1, "idTag": tag, "meterStart": meter, "timestamp": "2026-01-01T00:00:00Z"}


def stop_16(number: int, meter: int = 1500, **more: Any) -> dict[str, Any]:
    return {"transactionId": number, "meterStop": meter, "timestamp": "2026-01-01T01:00:00Z", **more}


def values_16(number: int, value: str, minute: int = 30) -> dict[str, Any]:
    sample = {"timestamp": f"2026-01-01T00:{minute:02}:00Z", "sampledValue": [{"value": value}]}
    return {"connectorId": 1, "transactionId": number, "meterValue": [sample]}


def test_1_6_gets_its_number_from_the_csms_and_the_same_when_it_resends(csms16, fake16):
    numbers = [fake16.ask("StartTransaction", start_16(tag=tag))[2]["transactionId"] for tag in ("A", "A", "B")]
    assert numbers[0] == numbers[1] != numbers[2]
    started = csms16.wait_event("Started", idTag="A")
    fake16.ask("MeterValues", values_16(numbers[0], "1200.5"))
    csms16.wait_event("Updated")
    for _ in range(2):
        fake16.ask("StopTransaction", stop_16(numbers[0], reason="Remote", transactionData=[]))
    assert csms16.books.of(csms16.wait_event("Ended")) is csms16.books.of(started)
    booked = csms16.books.of(started)
    assert (booked.energy_wh, booked.reason, booked.duplicates, booked.kinds) == (
        500.0, "Remote", 2, ["Started", "Updated", "Ended"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("action", "payload", "problem"),
    [
        ("StopTransaction", stop_16(77), "never given"),
        ("MeterValues", values_16(77, "1"), "never given"),
        ("StopTransaction", stop_16(1001, 999), "register runs back"),
        ("MeterValues", values_16(1001, "900"), "register runs back"),
    ],
)
def test_1_6_reports_that_do_not_add_up_are_told(books, action, payload, problem):
    enter(books, start_16(), action="StartTransaction")
    enter(books, payload, action=action)
    assert any(problem in told for told in books.check()), books.check()


def test_1_6_stopped_twice_with_different_content_is_told(books):
    enter(books, start_16(), action="StartTransaction")
    enter(books, stop_16(1001), stop_16(1001, 1600), action="StopTransaction")
    assert any("Ended more than once" in told for told in books.check())


def test_1_6_a_stop_of_a_start_that_was_never_taken_is_no_problem(books):
    enter(books, stop_16(-1), action="StopTransaction")
    assert books.check() == []


def test_books_that_do_not_add_up_fail_the_test_unless_told_otherwise(csms, fake):
    fake.ask("TransactionEvent", event("Started", 1))
    with pytest.raises(AssertionError, match="books: transaction T1: no report with seqNo 0"):
        csms.verify()
    csms.audit = False
    csms.verify()


def test_a_lost_answer_is_booked_a_refusal_is_not(csms, fake):
    csms.message_timeout_s = 0
    csms.refuse("TransactionEvent", times=1)
    fake.ask("TransactionEvent", event("Started", 0))
    assert not csms.books.transactions
    csms.silent("TransactionEvent", times=1)
    fake.tell("TransactionEvent", event("Started", 0))
    fake.ask("TransactionEvent", event("Started", 0))
    assert (csms.books.only().kinds, csms.books.only().duplicates) == (["Started"], 1)


def said(books: Books, version: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """A message of a station that speaks this version; the answer."""
    answer: dict[str, Any] = {}
    message = Message("station", "call", "", action=action, payload=payload, version=version, number=next(NUMBERS))
    books.enter(message, answer)
    return answer


NUMBERS = count()


def test_a_transaction_that_goes_on_in_2_0_1_keeps_its_number(books):
    number = said(books, "1.6", "StartTransaction", start_16())["transactionId"]
    said(books, "1.6", "MeterValues", values_16(number, "1200", minute=0))
    moved = {"transactionInfo": {"transactionId": str(number)}}
    said(books, "2.0.1", "TransactionEvent", event("Updated", 4, 30, 1300.0, **moved))
    said(books, "2.0.1", "TransactionEvent", event("Ended", 6, 50, 1500.0, **moved))
    assert [problem for problem in books.check() if "no report with seqNo 3" in problem]
    said(books, "2.0.1", "TransactionEvent", event("Updated", 5, 40, 1400.0, **moved))
    assert books.check() == []
    assert (books.only().kinds, books.only().energy_wh) == (["Started", *["Updated"] * 3, "Ended"], 500.0)


def test_a_transaction_that_goes_on_in_1_6_is_joined_by_place_token_moment_and_register(books):
    said(books, "2.0.1", "TransactionEvent", event("Started", 0, 0, 999.0, idToken=TOKEN, evse={"id": 1}))
    said(books, "2.0.1", "TransactionEvent", event("Updated", 1, 50, 1000.4))
    for tag, moment in (("04FF", "00:00:50"), ("04A2", "00:00:51")):
        said(books, "1.6", "StartTransaction", start_16(tag=tag) | {"timestamp": f"2026-01-01T{moment}Z"})
    assert len(books.transactions) == 3, "another token, another moment"
    start = start_16() | {"timestamp": "2026-01-01T00:00:50Z"}
    numbers = [said(books, "1.6", "StartTransaction", start)["transactionId"] for _ in range(2)]
    assert numbers[0] == numbers[1]
    said(books, "1.6", "StopTransaction", stop_16(numbers[0]))
    joined = books.transactions["T1"]
    assert joined.check() == []
    assert (joined.kinds, joined.energy_wh) == (["Started", "Updated", "Resumed", "Ended"], 501.0)


def test_an_end_that_comes_again_in_1_6_is_billed_once_and_has_to_be_the_same(books):
    said(books, "2.0.1", "TransactionEvent", event("Started", 0, 0, 1000.0, idToken=TOKEN, evse={"id": 1}))
    said(books, "2.0.1", "TransactionEvent", event("Ended", 1, 50, 1500.5))
    start = start_16() | {"timestamp": "2026-01-01T00:00:00Z"}
    number = said(books, "1.6", "StartTransaction", start)["transactionId"]
    stop = stop_16(number) | {"timestamp": "2026-01-01T00:00:50Z", "meterStop": 1500}
    said(books, "1.6", "StopTransaction", stop)
    assert books.check() == []
    assert (books.only().kinds, books.only().energy_wh) == (["Started", "Ended"], 500.5)
    said(books, "1.6", "StopTransaction", stop | {"meterStop": 1700})
    assert ["ended twice" in problem for problem in books.check()] == [True]
