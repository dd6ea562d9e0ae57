"""The real daemon, which takes fewer hang-ups than in life: `python -m tests.network.impatient` with its arguments."""

import sys

COMMAND = (sys.executable, "-m", "tests.network.impatient")
LOST_MAX = 3


def main() -> int:
    from chargepointd import app
    from chargepointd.core import outbox

    outbox.LOST_MAX = LOST_MAX
    return app.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
