"""A CSMS for tests: talks to the real station over a real websocket, believes nothing, shares no code with it.

    def test_visit(station, csms):                          # both fixtures; runs in 1.6 and in 2.0.1
        csms.wait("BootNotification")
        station.ctl("sim.plug_in", evse=1)
        station.ctl("sim.swipe", token="04A2B3C4D5E680")
        started = csms.wait_event("Started")                # 2.0.1: TransactionEvent; 1.6: StartTransaction
        station.ctl("sim.plug_out", evse=1)
        csms.wait_event("Ended")
        assert csms.books.of(started).energy_wh >= 0

By itself: `with Csms(versions=("2.0.1",)) as csms:`, then a station to `csms.url`. It runs in a thread of its own; the
tests are plain functions, and every wait has an end and fails with the transcript.

Waiting     wait(action, match, **fields)   the first request not taken before that matches; `match` is a part of the
                                            payload or a function of the Message; `message["key"]` reads the payload
            wait_event wait_status wait_answer wait_connected wait_disconnected wait_refused
            calls(action) all so far; quiet(action, seconds) none comes; forget() start afresh
Talking     call(action, payload) -> answer; raises CallRefused (.code). start_call(...).answer(). send_raw(text)
Answering   answers["Authorize"] = lambda payload: {...}    goes out as it is; must not wait for the test
            answers["BootNotification"] = {"status": "Pending"}     laid over the usual answer
            tokens["04A2…"] = "Blocked"                     for Authorize and transactions, in each version
            desk.clock_offset_s, desk.boot_interval_s
Misbehaving silent(action, times) refuse(action, code, times) behave(action); `with holding(action):` answers late
            offline() online() drop() close(code) freeze(); `password` may be changed at any time
Judging     Each message in both directions is held against the official schemas (schemas.py) and the rules of OCPP-J:
            one open CALL per direction, message ids unique, answers to what was asked, subprotocol agreed. What the
            station does wrong goes into `violations` and fails the test when the context ends; a test that wants a
            violation calls `take_violations()`. What the test itself says wrong goes into `mistakes`, likewise.
            A CALL is held to be open for `message_timeout_s` at least, when no answer was given; an answer takes
            `latency_s`, so that a station which does not wait for it is found out.
Booking     books: `only()`, `of(message)`, `transactions`, `open`, `energy_wh`, `check()`. A report whose answer was
            lost is booked, a refused one is not. Checked when the context ends, unless `audit` is False.
Showing     transcript.render(); side_by_side(one.transcript, other.transcript). Shown when a test fails.
"""

from tests.csms.answers import SILENCE, Refusal
from tests.csms.books import Books, Transaction
from tests.csms.exchange import CallRefused, ConnectionLost, Pending, Reply
from tests.csms.server import Csms
from tests.csms.transcript import Message, Transcript, contains, side_by_side

__all__ = [
    "SILENCE", "Books", "CallRefused", "ConnectionLost", "Csms", "Message", "Pending", "Refusal", "Reply",
    "Transaction", "Transcript", "contains", "side_by_side",
]  # fmt: skip
