"""The running program: queue -> step -> commit -> dispatch.

engine.py        one writer: events in, effects out, commit before tell
conversation.py  texts of the websocket <-> events and effects, by the dialect in use
local.py         the methods of the control socket
transactions.py  the simulator's own: whole transactions at once, to load the books
notify.py        systemd: READY, STATUS, WATCHDOG, STOPPING
recorder.py      the last events, for the case that a step fails
"""
