"""What is still to be told to the CSMS, and the one message that is under way.

Theory of operation. OCPP-J allows one open CALL a direction. Three queues wait for it:

- *said*: what matters now (statuses, heartbeats, authorizations). It is not kept over a loss of the link: what still
  holds then is said anew from the facts.
- *kept*: what has to arrive once, whenever that is, but is no part of a transaction (`core.lanes`).
- *records*: transaction records, durable and in order (`core.records`). A record leaves it only when the CSMS has
  answered, or after `MessageAttempts` refused or unanswered attempts (E13, 1.6 §3.7.1), which are counted over
  restarts: then it is set aside, not lost, and what follows goes on. Until then what has to come after it waits: in 1.6
  all records, in 2.x those of its transaction. Being offline does not count as an attempt; but where `LOST_MAX`
  connections ended while the answer to one and the same record was awaited, that record ends them. A link that breaks
  at whatever is sent first breaks of itself, so after a loss heartbeats go first over the next ones, until a record is
  answered. Links count over which something else was answered. So do those that ended at the record only, having borne
  in silence what went before: of a CSMS that answers nothing but records. Before its next showing the record waits for
  one to `PATIENCE` heartbeats, each time for another number; should a link end meanwhile, it is the link, and those
  in silence count anew. So nothing that hangs up after a time, or at the so-maniest message, or by chance, gets there.

What is said goes first; but after one that was not answered in time something of the other queues is sent, so that
what a CSMS never answers does not hold up the records. The last 1000 of what is said wait, should it answer nothing at
all. A boot notification is said before all else; before it is accepted nothing else leaves. While
nothing can be kept (`core.keeping`) the records wait, and of what has to arrive all but the security events.

Where `OCPPCommCtrlr.QueueAllMessages` is set, what is said while there is no connection waits for it too, in order, the
last 1000 messages; not over a restart, after which all is said anew from the facts. What asks something (Authorize,
Heartbeat) does not wait: its answer would come too late.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from chargepointd.core.clock import NO_TIME, Righting
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import AskWhenSent, Note, SendCall
from chargepointd.core.events import RecordsLoaded
from chargepointd.core.lanes import Kept, Lanes
from chargepointd.core.messages import (
    Acknowledged,
    Answer,
    Authorize,
    Boot,
    Heartbeat,
    Message,
    TransactionRecord,
)
from chargepointd.core.names import Names, start_of
from chargepointd.core.records import TOPIC, Entry, Records
from chargepointd.core.tuples import NamedTuple

if TYPE_CHECKING:
    from chargepointd.core.dead_letters import DeadLetters
    from chargepointd.core.saved import Saved
    from chargepointd.core.thinning import Thinning


class Refused(NamedTuple):
    """No answer, or a CALLERROR."""

    code: str
    """a CALLERROR code, "Timeout" or "Offline" """
    description: str = ""


Outcome = Answer | Refused
Heard = Callable[[Message, Outcome, Step], None]


LOST_MAX = 30
PATIENCE = 8
DEAD_SHARE = 0.25
"""of the room for records: what was set aside may take as much beside it"""
LATE_MAX = 1000
"""messages said that wait, and as many while offline (QueueAllMessages); then the oldest is dropped"""
_ASKING = (Authorize, Boot, Heartbeat)


class Outbox:
    def __init__(self, context: Context, saved: "Saved") -> None:
        self._context = context
        self.records = Records(context, saved)
        self.names = Names(context, saved)
        self._boot: Boot | None = None
        self._said: deque[tuple[Message, Heard]] = deque()
        self._in_vain = False
        """what was said last was not answered in time"""
        self._late: deque[tuple[Message, Heard]] = deque()
        """said while offline"""
        self._lanes = Lanes(context)
        self._asked: Kept | None = None
        """the one of theirs that was sent last"""
        self._told: Entry | None = None
        """the record that was sent last"""
        self._open: tuple[str, Message, Heard | None] | None = None
        self.asked_at = NEVER
        """when the last message was sent: the one whose answer is heard"""
        self._answer_by = NEVER
        self._linked = False
        self._proven = False
        """something was answered over this link"""
        self._borne = 0
        """messages that were not answered in time over this link, which lived on"""
        self._suspect = 0
        """id of the record at which a link ended that might have ended at anything"""
        self._thinning: Thinning | None = None
        self.on_room: Callable[[bool, Step], None] = lambda held, step: None
        """there is no room, so nobody may begin; or there is again"""
        self.on_record_answered: Heard = _ignore
        self.sent = 0
        """messages answered since the start of the process"""
        self.dead, self.dead_size = saved.dead, saved.dead_size
        """records that were set aside, and their bytes"""
        self._letters: DeadLetters | None = None

    # -- what the topics say -------------------------------------------------------------------------------------------

    def say(self, message: Message, heard: Heard, step: Step, *, asked: bool = False) -> None:
        """Tell it now, if there is a connection; `heard` gets the answer, or why there is none. `asked`: the CSMS
        asked for it, and may do so before it accepts the station (B02.FR.02)."""
        if self._context.online or (asked and self._linked):
            self._queue(self._said, message, heard, step)
        else:
            self._say_later(message, heard, step)

    def _say_later(self, message: Message, heard: Heard, step: Step) -> None:
        if not self.queues_all or isinstance(message, _ASKING):
            heard(message, Refused("Offline"), step)
            return
        self._queue(self._late, message, heard, step)

    def _queue(self, queue: deque[tuple[Message, Heard]], message: Message, heard: Heard, step: Step) -> None:
        queue.append((message, heard))
        if len(queue) > LATE_MAX:
            step.emit(Note("outbox", 0, f"more than {LATE_MAX} messages wait for the CSMS: the oldest is dropped"))
            dropped, its_heard = queue.popleft()
            its_heard(dropped, Refused("Offline"), step)

    @property
    def queues_all(self) -> bool:
        """What is said while offline is told later (C-21)."""
        return self._context.variables.boolean("OCPPCommCtrlr.QueueAllMessages")

    def keep(self, lane: str, message_id: str, message: Callable[[], Message | None], heard: Heard) -> None:
        """Tell it for certain: as soon as there is nothing to say, however often it takes."""
        self._lanes.add(Kept(lane, message_id, message, heard))

    def boot(self, message: Boot, heard: Heard) -> None:
        """Say this before anything else."""
        self._boot = message
        self._heard_boot = heard

    def record(self, record: TransactionRecord, step: Step) -> None:
        """Keep it, tell it when its turn comes."""
        self.records.add(record, step)

    def loaded(self, event: RecordsLoaded, step: Step) -> None:
        """The disk has the next records."""
        if event.topic == TOPIC:
            self.records.loaded(event.ticket, event.entries, event.complete, step)
        elif self._thinning:
            self._thinning.loaded(event, step)

    def follow(self, step: Step) -> None:
        """Keep within the room; most stations never need what that takes, so it is imported then."""
        if self._thinning is None and self.records.size > self._context.plan.outbox_bytes:
            from chargepointd.core.thinning import Thinning

            self._thinning = Thinning(self._context, self.records, lambda held, step: self.on_room(held, step))
        if self._thinning is not None and self._context.keeps:
            self._thinning.follow(step)

    # -- the link ------------------------------------------------------------------------------------------------------

    def linked(self) -> None:
        self._linked, self._proven, self._borne = True, False, 0

    def unlinked(self, step: Step) -> None:
        """The answer that was awaited will not come; a record stays first in its queue, its attempt uncounted but as
        one of `LOST_MAX`."""
        wary, self._linked = self.wary, False
        self._boot = None
        self._lanes.hurry()
        dropped = list(self._said)
        self._said.clear()
        if self._open and self._open[2]:
            dropped.insert(0, (self._open[1], self._open[2]))
        if self._open and not self._open[2] and self._told:
            self._connection_lost(self._told, step)
        elif wary:
            self.records.acquit(self._suspect, step)
        self._open, self._answer_by = None, NEVER
        self.records.unlinked(step)
        for message, heard in dropped:
            if heard == self._heard_kept:
                continue  # it is still the first of its queue, its attempt uncounted
            self._say_later(message, heard, step)

    def _connection_lost(self, entry: Entry, step: Step) -> None:
        if not self._proven and entry.id != self._suspect:
            self._suspect = entry.id
            return
        times = self.records.lost(entry, step, silent=not self._proven)
        if times >= LOST_MAX:
            self._give_up(entry, Refused("Offline", f"{times} connections ended before its answer came"), step)

    @property
    def wary(self) -> bool:
        """The last link that broke did so at a record, and this one has not shown yet that it works."""
        return self._suspect != 0 and self._linked and not self._proven

    @property
    def holds_back(self) -> bool:
        """No record is told before this link has borne something else."""
        return self.wary and self._borne <= self.records.silent(self._suspect) % PATIENCE

    def withdraw(self, message_ids: Iterable[str]) -> None:
        """These have not left: what is under way of them is again the first of its queue, its attempt uncounted."""
        if self._open is None or self._open[0] not in message_ids:
            return
        _, message, heard = self._open
        self._open, self._answer_by = None, NEVER
        if isinstance(message, Boot):
            self._boot = message
        elif heard and heard != self._heard_kept:
            self._said.appendleft((message, heard))

    def put_right(self, right: Righting, stamped: dict[str, float], step: Step) -> dict[str, float]:
        """The clock was wrong. `stamped`: when the last record with a time was, of those that run; what it gives: when
        the last was, as far as it is known here."""
        return self.records.put_right(right, stamped, step)

    def answered(self, message_id: str, outcome: Outcome, step: Step) -> bool:
        """False for an answer nobody waits for: late, doubled, or somebody else's."""
        if self._open is None or self._open[0] != message_id:
            return False
        _, message, heard = self._open
        self._open, self._answer_by = None, NEVER
        self.sent += 1
        if isinstance(outcome, Refused) and outcome.code == "Timeout":
            self._borne += 1
        else:
            self._proven = True
        if heard:
            heard(message, outcome, step)
        else:
            self._record_answered(message, outcome, step)
        return True

    def _heard_kept(self, message: Message, outcome: Outcome, step: Step) -> None:
        kept = self._asked
        assert kept
        if isinstance(outcome, Refused) and not self._lanes.refused_for_good(kept, outcome, step):
            return
        self._lanes.settle(kept)
        kept.heard(message, outcome, step)

    def _record_answered(self, message: TransactionRecord, outcome: Outcome, step: Step) -> None:
        entry, self._suspect = self._told, 0
        assert entry
        if isinstance(outcome, Refused):
            self._record_refused(entry, outcome, step)
            return
        if message is not entry.record:  # the start that had to go before it
            self.records.try_anew(entry, step)
        else:
            self.records.settle(entry, step)
        self.names.bind(message, outcome, step)
        if entry.again and not self.records.holds(entry.record.transaction_id):
            self.names.take_back(entry.record.transaction_id, step)
        self.on_record_answered(message, outcome, step)

    def _record_refused(self, entry: Entry, refused: Refused, step: Step) -> None:
        times = self.records.refused(entry, step)
        variables = self._context.variables
        if times >= max(1, variables.integer("OCPPCommCtrlr.MessageAttempts[TransactionEvent]")):
            self._give_up(entry, refused, step)
            return
        wait = variables.integer("OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]") * times
        self.records.wait(entry, step.mono + wait)

    def _give_up(self, entry: Entry, refused: Refused, step: Step) -> None:
        record = entry.record
        if self.names.lacks_start(record):
            self.names.give_up(record, step)
            self.records.try_anew(entry, step)
            return
        number = self.names.number_of(record.transaction_id)
        self.records.settle(entry, step, f"{refused.code}: {refused.description}", number)
        if record.kind == "Started" and self._context.rules.numbers_transactions:
            self.names.give_up(record, step)
        self.names.bind(record, Acknowledged(), step)
        if entry.again and not self.records.holds(entry.record.transaction_id):
            self.names.take_back(record.transaction_id, step)
        self.set_aside(1, entry.size, f"record {entry.id}, {refused.code}", step, record.evse_id)

    def set_aside(self, number: int, size: int, why: str, step: Step, evse_id: int = 0) -> None:
        """So many records are among the dead letters now."""
        self.dead += number
        self.dead_size += size
        records = "1 record" if number == 1 else f"{number} records"
        step.emit(Note("dead letters", evse_id, f"{records} set aside: {why}; see `chargepointctl outbox --dead`"))
        if self.dead_size > self._context.plan.outbox_bytes * DEAD_SHARE:
            self.dead_letters.trim(step)

    @property
    def dead_letters(self) -> "DeadLetters":
        """Seldom needed, and not at a start: it is imported then."""
        if self._letters is None:
            from chargepointd.core.dead_letters import DeadLetters

            self._letters = DeadLetters(self._context, self)
        return self._letters

    # -- the step ------------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        if self._open:
            return self._answer_by
        if not (self._linked and self._context.online):
            return NEVER
        tells = self._context.keeps and not self.holds_back
        due = min(self.records.due() if tells else NEVER, self._lanes.due())
        return max(due, self._context.hold_until)

    def tick(self, step: Step) -> None:
        """The time for the answer is over, if the message left at once; what had to wait for the disk has longer."""
        if self._open and step.mono >= self._answer_by:
            self._answer_by = NEVER
            step.emit(AskWhenSent(self._open[0]))

    def call_sent(self, message_id: str, at: float | None, step: Step) -> None:
        """It left at this moment (None: nobody knows, so it is taken to be now), and was not answered since."""
        if self._open is None or self._open[0] != message_id:
            return
        self._answer_by = (step.mono if at is None else at) + self._timeout_s()
        if step.mono >= self._answer_by:
            self._in_vain = self._open[2] not in (None, self._heard_kept)
            self.answered(message_id, Refused("Timeout", "no answer in time"), step)

    def _timeout_s(self) -> int:
        return self._context.variables.integer("OCPPCommCtrlr.MessageTimeout[Default]")

    def pump(self, step: Step) -> None:
        """Send the next message, if it is its turn."""
        self.records.fill(step)
        if self._open or not self._linked:
            return
        online = self._context.online
        if online and self._late:
            self._say_late()
        if self._boot:
            boot, self._boot = self._boot, None
            self._send(self._context.new_id(), boot, self._heard_boot, step)
        elif self._said and not (online and self._in_vain and self._pump_others(step)):
            message, heard = self._said.popleft()
            self._send(self._context.new_id(), message, heard, step)
        elif online and not self._open:
            self._pump_others(step)

    def _pump_others(self, step: Step) -> bool:
        """Something that was not said. False when none of it is due."""
        self._in_vain = False
        if step.mono < self._context.hold_until:
            return False
        return self._pump_kept(step) or self._pump_records(step)

    def _say_late(self) -> None:
        """What was said while offline, before what was said since; but what somebody waits for goes first."""
        urgent = [said for said in self._said if isinstance(said[0], _ASKING)]
        other = [said for said in self._said if not isinstance(said[0], _ASKING)]
        self._said = deque([*urgent, *self._late, *other])
        self._late.clear()

    def _pump_kept(self, step: Step) -> bool:
        found = self._lanes.next(step)
        if found is None:
            return False
        self._asked, message = found
        self._send(self._id(self._asked.message_id), message, self._heard_kept, step)
        return True

    def _pump_records(self, step: Step) -> bool:
        entry = None if self.holds_back or not self._context.keeps else self._next_tellable(step)
        if entry is None:
            return False
        if not entry.record.stamp.sure and entry.record.stamp.how != NO_TIME:
            entry = self.records.without_time(entry, step)
        self.records.sent(entry)
        self._told = entry
        message_id = self._id(entry.message_id)
        if self.names.lacks_start(entry.record):
            self._send(f"{message_id}-0", start_of(entry.record), None, step)
        else:
            self._send(message_id, entry.record, None, step)
        return True

    def _next_tellable(self, step: Step) -> Entry | None:
        """As long as nobody knows where a transaction is, or whose (2.x start points), nothing flows: to a CSMS that
        numbers transactions it is none yet."""
        while (entry := self.records.next(step.mono)) is not None:
            record = entry.record
            if not self.names.lacks_number(record) or (record.evse_id and record.starter):
                return entry
            self.records.settle(entry, step)
        return None

    def _id(self, kept: str) -> str:
        """What has to arrive is sent under the same id each time, over restarts too, but in one dialect only."""
        return kept + self._context.rules.subprotocol.replace("ocpp", "-")

    def _send(self, message_id: str, message: Message, heard: Heard | None, step: Step) -> None:
        self._open = (message_id, message, heard)
        self.asked_at = step.mono
        self._answer_by = step.mono + self._timeout_s()
        reference = None
        if isinstance(message, TransactionRecord):
            reference = self.names.reference_of(message.transaction_id)
            if not self._context.rules.numbers_transactions:
                name = self.names.name_of(message.transaction_id)
                message = message if name == message.transaction_id else message._replace(transaction_id=name)
        step.emit(SendCall(message_id, message, reference))

    # -- what others ask -----------------------------------------------------------------------------------------------

    def knows(self, transaction_id: str) -> bool:
        """The CSMS has been told of it, or is about to be."""
        return transaction_id in self.names or self.holds(transaction_id)

    def holds(self, transaction_id: str | None = None) -> bool:
        """Whether a record (of this transaction) still waits."""
        return bool(self.records) if transaction_id is None else self.records.holds(transaction_id)

    def others(self) -> int:
        """How many messages wait that are no records."""
        return len(self._said) + len(self._late) + len(self._lanes)

    def __len__(self) -> int:
        """How many records wait."""
        return len(self.records)


def unheard(message: Message, outcome: Outcome, step: Step) -> None:
    """For what is not kept: what is lost with the link is superseded by the next."""


def _ignore(message: Message, outcome: Outcome, step: Step) -> None:
    """Until the station says who listens."""
