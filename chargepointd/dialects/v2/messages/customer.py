"""Customer information (N09, N10)."""

from chargepointd.core.customer import CustomerData
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said
from chargepointd.dialects.v2.words import Words


def _data(part: CustomerData, words: Words) -> Said:
    return "NotifyCustomerInformation", {
        "requestId": part.request_id,
        "seqNo": part.seq_no,
        "data": part.data,
        "tbc": part.to_be_continued,
        "generatedAt": format_time(part.at),
    }


CALLS: Calls = {CustomerData: _data}
ANSWERS: Answers = {}
