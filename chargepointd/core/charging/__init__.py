"""Smart charging (2.x K01 to K14; 1.6 §3.13, §5.16): how much each car may draw, and why.

profile.py     what a CSMS, or a local source, wants: charging profiles as values
profiles.py    which are installed: set, cleared, reported and kept
reported.py    how they are told: to the CSMS, to a technician
checks.py      whether one may be
composite.py   what profiles come to over a stretch of time: a pure function
schedules.py   that, told to a CSMS or a technician who asks for it
share.py       how EVSEs share what the station may draw: a pure function
limits.py      what each EVSE may draw now
sharing.py     its share, while something bounds the station, and when it may have it
external.py    limits from outside: contacts, the meter of the building (site.py), an EMS
"""
