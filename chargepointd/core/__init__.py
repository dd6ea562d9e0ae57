"""The charging station as a plain object: `step(event, now) -> effects`, and a `deadline` at which it is to be woken.

There is no `async`, clock, randomness, file, socket or OCPP message in here. Time and ids come in as arguments.

    values.py         the nouns: tokens, readings, faults, statuses
    events.py         what happens to the station (past tense)
    commands.py       what the CSMS or a technician asks (imperative), and the replies
    messages.py       what the station tells the CSMS, in neutral words; the dialects translate
    effects.py        what the daemon is to do
    rules.py          what differs between OCPP versions, as values
    station.py        the step: facts, then consequences
    facts.py          what is true of one EVSE     ledger.py   its records, and the samples in them
    evse.py           what happens to it, and what follows       power.py   its lock and power path
    session.py        one visit from plug-in to leaving, and its transaction
    lobby.py          who is authorized and has not chosen an EVSE yet
    authorization.py  who may charge     token_store.py  what is remembered of tokens
    sampling.py       when the meter is read       metering.py   from a reading to samples
    outbox.py         what is still to be told     clock.py      what time it is
    topic.py          what a topic with commands, jobs and deadlines of its own is     jobs.py   long work, as values
    reports.py        the variables, reported        standing.py  those that follow from facts
    timekeeping.py    whose time it is
    boot.py  availability.py  remote.py  reset.py  security.py  logs.py  customer.py  masking.py  variables/

Values are named tuples: as immutable as frozen dataclasses, a fifth of the cost to define (1.2 ms each on a slow
board's desktop sibling), which is what a start is made of. They are told apart by type, so never compare two of
different types with `==`.
"""
