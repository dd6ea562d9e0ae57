"""How soon what a step has changed is to survive a power cut: at once, with what comes next, or whenever."""

from collections.abc import Sequence

from chargepointd.core import effects as f
from chargepointd.core.pricing import Pricing

REFERENCE = "reference/"
"""state of this name: the number the CSMS gave a transaction"""
PERIODIC = ("MeterValuePeriodic", "MeterValueClock")
"""triggers of samples at regular intervals"""


def is_lazy(saves: Sequence[f.Save]) -> bool:
    """Whether nothing in it needs the disk before the next message may go.

    A session without authorization and transaction only says what the pilot will say again, unless a card was good for
    the one before. The number of a transaction is no longer needed when its end was taken. (When it is given it is kept
    at once: should the transaction go on in another dialect, that is the name the CSMS knows.) Who is to be told no
    more of money has gone.
    """
    return all(map(_can_wait, saves))


def is_hurried(saves: Sequence[f.Save]) -> bool:
    """Of what is lazy, what is to outlive the process at once: that the end of a transaction was taken."""
    return any(isinstance(save, f.SaveState) and save.name.startswith(REFERENCE) for save in saves)


def _can_wait(save: f.Save) -> bool:
    if isinstance(save, f.SettleRecord):
        return not save.dead
    if isinstance(save, f.SettleSecurityEvent):
        return True
    if isinstance(save, f.SaveState):
        return save.value is None and (save.name.startswith(REFERENCE) or save.name == Pricing.name)
    if not isinstance(save, f.SaveSession) or save.withdraws:
        return False
    return save.session is None or not (save.session.authorized or save.session.transaction)


def may_follow(saves: Sequence[f.Save]) -> bool:
    """Whether it may be kept together with what comes next, as long as nobody was told of it.

    A power cut then takes back what happened in the last moment and bound nobody: a card that was read, a sample that
    was taken. Starts and ends of transactions, what was set, and what is for the security log is kept at once.
    """
    return all(map(_may_follow, saves))


def is_sampled(saves: Sequence[f.Save]) -> bool:
    """Of what may follow, what is missed least: samples at regular intervals, and the session that has counted them."""
    sampled = [save for save in saves if isinstance(save, f.SaveRecord)]
    return bool(sampled) and all(save.record.trigger in PERIODIC for save in sampled)


def _may_follow(save: f.Save) -> bool:
    if isinstance(save, f.SaveRecord):
        return save.record.kind == "Updated"
    if isinstance(save, f.SaveState):
        return save.name == Pricing.name or _can_wait(save)
    return isinstance(save, (f.SaveSession, f.SaveToken)) or _can_wait(save)
