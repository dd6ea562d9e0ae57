"""What OCPP 2.0.1 and 2.1 say alike. A version is a `Words` value: the enumerations it knows.

translation.py   the dialect as the daemon sees it
requests/        what the CSMS asks, and the answers
messages/        what the station tells, and what it is answered
samples.py       meter values
charging.py      charging profiles, both ways
status.py        the status of a connector
words.py         what differs between the versions
"""
