"""Buses: how to reach a device. One owner per port; blocking calls go to the thread that owns the bus."""
