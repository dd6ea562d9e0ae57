"""The running program: queue -> step -> commit -> dispatch.

daemon.py        all parts put together, and their common life
engine.py        one writer: events in, effects out, commit before tell
unkept.py        what is to be kept while the disk cannot be written     ending.py   what is not kept at the end
conversation.py  texts of the websocket <-> events and effects, by the dialect in use
local.py         the methods of the control socket
variables.py     how they show variables     devices.py  drivers and devices
dead_letters.py  what they show of records that the CSMS did not take
transactions.py  the simulator's own: whole transactions at once, to load the books
network.py       the next attempt to connect, in the words of the link; the proxy to where a file is
assembly.py      the station, from all that it begins with
bundle.py        the parts of the archive for a support case; left.py: without the daemon, from its disk
log_ring.py      the last lines of the log     disk.py   how much room is left
pics.py          the optional features of OCPP 2.0.1 that this station has; pics_v16.py: of 1.6
zones.py         time zones of the system
notify.py        systemd: READY, STATUS, WATCHDOG, STOPPING
recorder.py      the flight recorder: events and effects, and what the station began with
recording.py     a recording as a file   words.py   its values as JSON
pseudonyms.py    what is nobody's business, under other names   names.py   which
"""
