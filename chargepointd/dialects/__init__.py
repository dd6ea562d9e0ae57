"""OCPP on the wire: each dialect translates between messages and the neutral records of the core.

    dialect.py        what a dialect is, and which there are
    rpc.py            the frames around a message     codec.py   JSON and times
    validators/       whether a message is as the official schemas have it
    v16/              OCPP 1.6     v2/   what 2.0.1 and 2.1 say alike     v201/   what only 2.0.1 does

What 1.6 and 2.x write alike, of a topic:

    certificates.py   hashes     charging.py  profiles     firmware.py  updates     logs.py  uploads
    pricing.py        prices and costs, by the application note of the OCA
"""
