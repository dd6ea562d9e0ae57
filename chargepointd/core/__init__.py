"""The charging station as a plain object: `step(event, now) -> effects`, and a `deadline` at which it is to be woken.

There is no `async`, clock, randomness, file, socket or OCPP message in here. Time and ids come in as arguments.

    values.py         the nouns: tokens, readings, faults, statuses
    tuples.py         what values are made of: NamedTuple, soon defined
    events.py         what happens to the station (past tense)
    commands.py       what the CSMS or a technician asks (imperative), and the replies
    messages.py       what the station tells the CSMS, in neutral words; the dialects translate
    effects.py        what the daemon is to do
    rules.py          what differs between OCPP versions, as values
    plan.py           how the station is built     saved.py  what an earlier process committed
    station.py        the step: facts, then consequences
    facts.py          what is true of one EVSE     ledger.py   its records, and the samples in them
    evse.py           what happens to it, and what follows       power.py   its lock and power path
    standing.py       variables that follow from facts             shown.py   what chargepointctl shows
    session.py        one visit from plug-in to leaving, and its transaction
    lobby.py          who is authorized and has not chosen an EVSE yet
    authorization.py  who may charge     token_store.py  what is remembered of tokens
    local_list.py     whom the CSMS wants to be known here
    charging/         how much each car may draw, and why
    contracts.py      vehicles that charge by their contract     secc.py  how they know the station
    reservation.py    for whom EVSEs are kept
    lamps.py          what lamps show
    master_pass.py    who may stop others     keypad.py  what is typed     masking.py  what is shown of a token
    pricing.py        the part that tells drivers of money, when it is needed:
    tariff.py         prices and costs, and whose they are         cost.py   what is added between two of them
    display.py        what is shown all the time                   wording.py  in which words
    sampling.py       when the meter is read       metering.py   from a reading to samples
    outbox.py         what is still to be told
    clock.py          what time it is     timekeeping.py  whose time it is
    variables/        the device model     reports.py  the same, reported
    topic.py          what a topic with commands, jobs and deadlines of its own is     jobs.py   long work, as values
    context.py        what every topic stands on, and the step in which it acts
    network.py        how the CSMS is reached     password.py  the bytes of a password, kept as a text
    certificates.py   whom the station trusts     signing.py  its own certificate
    firmware.py       firmware updates     update.py  their states     firmware_news.py  what is told of them
    reservation.py    whom an EVSE is kept for
    tariff.py         what drivers are told of money     cost.py   what a visit costs by now
    display.py        what displays show                 wording.py   texts for small ones
    boot.py  availability.py  remote.py  reset.py  security.py  logs.py  customer.py

Values are named tuples: as immutable as frozen dataclasses, a fifth of the cost to define (1.2 ms each on a slow
board's desktop sibling), which is what a start is made of. They are told apart by type, so never compare two of
different types with `==`.
"""
