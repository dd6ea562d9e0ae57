"""The link to the CSMS: websocket, TLS, network connection profile, back-off.

    connection.py  Link: connects, serves, reconnects until cancelled
    websocket.py   one connection: frames in, texts out, in the same turn of the loop
    pulse.py       whether the other side lives: ping, pong, answers
    profile.py     where to connect and as whom
    tls.py         the TLS rules of OCPP security profiles 2 and 3
    resolve.py     host name to addresses, without holding up the end of the program
    proxy.py       the way through an HTTP proxy
    library.py     the parts of `websockets` that are used
    ended.py       why a connection or an attempt ended, with the remedy
    repeats.py     what is logged of what happens again and again
    backoff.py     how long to wait before the next attempt (pure)

A text that arrives is handed to `on_text` in the turn of the loop that read it: no reader task, no queue in between.
"""
