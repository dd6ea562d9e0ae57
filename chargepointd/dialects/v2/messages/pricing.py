"""What only 1.6 has to say: in 2.x, TransactionEvent tells when a car leaves."""

from chargepointd.core.tariff import CableLeft
from chargepointd.dialects.v2.messages.common import Answers, Calls

CALLS: Calls = {CableLeft: lambda left, words: None}
ANSWERS: Answers = {}
