"""The charging station as a plain object: `step(event, now) -> effects`, and a `deadline` at which it is to be woken.

There is no `async`, clock, randomness, file, socket or OCPP message in here. Time and ids come in as arguments.

What goes in and out
    values.py         the nouns: tokens, readings, faults, statuses     tuples.py   what they are made of, soon defined
    events.py         what happens to the station (past tense)
    commands.py       what the CSMS or a technician asks (imperative), and the replies
    messages.py       what the station tells the CSMS, in neutral words; the dialects translate
    effects.py        what the daemon is to do                jobs.py    long work, as values
    rules.py          what differs between OCPP versions, as values
    plan.py           how the station is built                saved.py   what an earlier process committed
    pack.py           how values are kept, as text

What everything stands on
    station.py        the step: facts, then consequences       wiring.py  how the topics hang together
    context.py        what every topic stands on, and the step in which it acts
    topic.py          what a topic with commands, jobs and deadlines of its own is
    variables/        the device model: standing.py  what follows from facts; reports.py  all of it, reported
    clock.py          what time it is                         timekeeping.py  whose time it is
    outbox.py         what is still to be told                lanes.py  what has to arrive of it, but is no record
    keeping.py        while nothing can be kept
    records.py        the transaction records among it        dead_letters.py  what the CSMS did not take
    thinning.py       with too many records                   names.py   how transactions are called

An EVSE and who uses it
    facts.py          what is true of one EVSE     ledger.py  its records, and the samples in them
    evse.py           what happens to it                      consequences.py  what follows from its facts
    power.py          its lock and power path                 shutters.py  for whom empty sockets open
    session.py        one visit from plug-in to leaving, and its transaction
    resumption.py     what becomes of the transaction that an interruption found running
    sampling.py       when the meter is read                  metering.py   from a reading to samples
    register.py       what a meter's register is worth        metered.py    what is taken from readings
    lobby.py          who is authorized and has not chosen an EVSE yet
    authorization.py  who may charge                          verdicts.py   what is known of a token, and decides
    local_list.py     whom the CSMS wants to be known here    token_store.py  whom the station remembers
    contracts.py      vehicles that charge by their contract  secc.py    how they know the station
    master_pass.py    who may stop others                     keypad.py  what is typed
    reservation.py    for whom EVSEs are kept
    charging/         how much each car may draw, and why

What people see
    lamps.py          what lamps show                         shown.py   what chargepointctl shows
    masking.py        what is shown of a token
    pricing.py        the part that tells drivers of money, when it is needed:
    tariff.py         visits, and what they cost              cost.py    what is added between two numbers of the CSMS
    prices.py         which price is shown to whom            meter_triggers.py  when the CSMS wants to see the meter
    visit.py          what a driver is told, as a value       departures.py  cars that leave after that
    display.py        what is shown all the time              wording.py   in which words

The station and its CSMS
    boot.py           registration and heartbeat
    network.py        how the CSMS is reached                 slots.py     by which profiles, in which order
    attempts.py       what may be wrong is tried the other way too
    availability.py   what is in service, and the statuses    remote.py    starts, stops, unlocks and triggers from afar
    reset.py          resets, and the loss of the grid        security.py  the security log
    certificates.py   whom the station trusts                 signing.py   its own certificate
    password.py       the bytes of a password, kept as a text  term.py  when the certificate of the CSMS is good
    firmware.py       firmware updates, asked for             firmware_news.py  what is told of them
    updating.py       how an update goes on                   update.py    its states, and its jobs
    logs.py           uploads of logs                         customer.py  what is known of a customer

Values are named tuples: as immutable as frozen dataclasses, a hundredth of the cost to define, which is what a start is
made of. They compare as tuples, so never compare two of different types with `==`.
"""
