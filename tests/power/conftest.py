"""What tests of power cuts need besides the CSMS."""

import pytest

from tests.csms import Csms
from tests.daemon.visit import Desk


@pytest.fixture
def desk(csms: Csms) -> Desk:
    return Desk(csms)
