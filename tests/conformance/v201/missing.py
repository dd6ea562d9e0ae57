"""Cases whose tests are still to be written. Shrinks to nothing."""

MISSING: set[str] = set()
