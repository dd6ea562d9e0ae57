"""A link that is lost again and again, for years, leaves nothing: a station whose CSMS is away tries for ever."""

import json
import os
import subprocess
import sys

import pytest

from tests.heap import EXACT
from tests.link.reconnects import TIMES

pytestmark = pytest.mark.process
HEAP = 40
"""bytes a connection; one of TLS that is kept has thousands"""
BLOCKS = 0.6


def test_a_connection_that_is_over_leaves_nothing() -> None:
    """L1. `python -m tests.link.reconnects` tells the figures."""
    command = [sys.executable, "-m", "tests.link.reconnects"]
    done = subprocess.run(command, env=os.environ | EXACT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    left = json.loads(done.stdout)
    assert len(left) == 5
    assert {kind: told for kind, told in left.items() if told[0] > TIMES * HEAP or told[1] > TIMES * BLOCKS} == {}
