"""Bad networks and bad CSMSs, against the real process: what N1 and N2 of docs/invariants.md say.

    relay.py      between station and CSMS: stands still, drips, remembers who came and left when
    proxy.py      an HTTP proxy, with a password or without
    resolver.py   the daemon with a DNS of the tests
    rude.py       raw bytes into a connection of the test CSMS, between its own frames

The link alone is held against odd servers in tests/link.
"""
