"""Recordings of stations, replayed: what a station did it does again, step by step.

A recording is what `chargepointctl bundle` packs (`recording.jsonl.gz`) and what is written when a step fails
(`crash-….jsonl.gz`): the state the process began with, and all events since. To make one from the field a test, put it
into `recordings/`. To look at one:

    python -m tests.replay FILE            replay it; the first step that differs, with what was before it
    python -m tests.replay --show FILE     what is in it, a line for each event and effect
    python -m tests.replay --renew FILE    write down what the station does today, where that is meant to differ

`--renew` says which steps it changes: read them as you read a diff. A recording of a step that raised (`crash-…`)
passes once that step no longer raises.

A recording knows the program it was made by. Fields that were added since have their defaults; an event, an effect or a
field that there is no more is named, and the recording has to be made anew or left out.
"""
