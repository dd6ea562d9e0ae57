"""Any history of a station, over power cuts, is replayed to the same effects: from memory, and from a file in which all
that tells who somebody is has another name."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.daemon.recorder import Recorder, recorded
from chargepointd.daemon.recording import Read, read, write
from tests.core.test_histories import DEEDS, Deed, deeds, points, start_points, world
from tests.replay.replaying import differing


def in_memory(recorder: Recorder) -> Read:
    taken = recorder.taken()
    return Read({}, taken.began(), tuple([step for chunk in taken.chunks() for step in recorded(chunk)]))


def from_a_file(recorder: Recorder, directory: Path) -> Read:
    buffer = io.BytesIO()
    write(recorder.taken(), buffer)
    file = directory / "recording.jsonl.gz"
    file.write_bytes(buffer.getvalue())
    return read(file)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@given(history=deeds, start=start_points, stop=points, senses=st.booleans())
@settings(max_examples=25)
def test_any_history_is_replayed(
    version: str, history: list[Deed], start: list[str], stop: list[str], senses: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    w = world(version, start, stop, senses=senses)
    for deed, n in history:
        DEEDS[deed](w, n)
    directory = tmp_path_factory.mktemp("recordings")
    for number, recorder in enumerate(w.recorders):
        if number % 2:  # what began with is packed after a while
            recorder.settle()
        assert next(differing(in_memory(recorder)), None) is None
        assert next(differing(from_a_file(recorder, directory)), None) is None
