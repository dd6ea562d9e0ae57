"""A small CSMS for a bench without a backend: OCPP 1.6 and 2.0.1, any station, books in memory only.

It accepts what a station says, answers every message validly, holds each against the schema and says what breaks it.
It is for looking and trying, not for billing: nothing it knows survives its end.

    app.py      the program chargepointd-csms: arguments, signals, exit codes
    server.py   who may connect; calls to stations
    line.py     the conversation with one connected station
    desk.py     what the dialects have in common: a question, an answer
    v16.py      what is answered and asked in 1.6
    v201.py     what is answered and asked in 2.0.1
    samples.py  meter values to a reading
    books.py    transactions: start, end, energy
    console.py  commands by hand
    show.py     an event as a line for people, or as JSON
    visit.py    one visit to a station: what a person does
    demo.py     this CSMS, the daemon and a visit: `make run`

It shares with the daemon only the framing and the validators (`chargepointd.dialects.rpc` and `codec`).
"""
