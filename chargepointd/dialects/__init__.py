"""OCPP on the wire: each dialect translates between messages and the neutral records of the core."""
