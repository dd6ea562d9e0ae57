"""Weeks of simulated life through the real daemon process, in minutes.

clock      the station's side of the virtual time: a selector that leaps to the next timer where others wait
launcher   the daemon under that clock, in a process of its own
conductor  the other side: the loop of all that is not the station, which decides when time goes on
wires      what is on its way between the two
csms       a CSMS on that loop, without a memory of all it heard
control    the control socket on that loop
site       all of it put together: a station, its CSMS, and the power that feeds it
people     those who come to charge
office     what the CSMS asks of the station
fate       what befalls it: network, power, devices, CSMS, updates
ledger     what really happened, visit by visit, held against the books of the CSMS
soak       days of all that, a census each night, and the books at the end
__main__   `python -m tests.soak`: the long run
"""
