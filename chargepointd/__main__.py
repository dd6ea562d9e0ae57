"""`chargepointd`, or `python -m chargepointd`: the daemon, by the shortest way."""

import gc
import sys


def main() -> int:
    """The exit code."""
    # A start makes much that stays and next to nothing for the collector, whose search for it would take a tenth of the
    # time until the first message. It is on again as soon as the station runs.
    gc.disable()
    from chargepointd.app import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
