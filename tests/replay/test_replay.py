"""What a station did it does again, from its recording."""

import gzip
import io
from pathlib import Path

import pytest

from chargepointd.daemon.recorder import Recorder
from chargepointd.daemon.recording import Read, read, write
from chargepointd.daemon.words import NoSuchValue
from tests.core.world import World
from tests.replay.__main__ import main
from tests.replay.replaying import differing

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.jsonl.gz"))


def written(recorder: Recorder, file: Path) -> Path:
    with file.open("wb") as opened:
        write(recorder.taken(), opened)
    return file


def recorded(recorder: Recorder, directory: Path) -> Read:
    return read(written(recorder, directory / "recording.jsonl.gz"))


@pytest.mark.parametrize("file", RECORDINGS, ids=lambda file: str(file.stem))
def test_recordings_from_the_field(file: Path) -> None:
    differs = next(differing(read(file)), None)
    assert differs is None, f"{differs}\n\nwhere this is meant: python -m tests.replay --renew {file}"


def visit(version: str) -> World:
    return World(version).online().plug().present("CARD1", 1).after(300).present("CARD1", 1).unplug()


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_visit_is_replayed(version: str, tmp_path: Path) -> None:
    [recorder] = visit(version).recorders
    recording = recorded(recorder, tmp_path)
    assert len(recording.steps) > 50
    assert any(step.effects for step in recording.steps)
    assert not list(differing(recording))


def test_a_step_that_differs_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [recorder] = visit("2.0.1").recorders
    file = written(recorder, tmp_path / "x.jsonl.gz")
    assert main([str(file)]) == 0
    text = gzip.decompress(file.read_bytes()).decode()
    file.write_bytes(gzip.compress(text.replace('"charging_state":"Charging"', '"charging_state":"Idle"').encode()))
    assert main([str(file)]) == 1
    assert "  + {'$': 'effects." in capsys.readouterr().out
    assert main(["--renew", str(file)]) == 0
    assert "are others now" in capsys.readouterr().out
    assert main([str(file)]) == 0
    assert main(["--show", str(file)]) == 0
    assert "CablePlugged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"events.CablePlugged"', '"events.CableSniffed"', "events.CableSniffed"),
        ('"events.CablePlugged","evse_id"', '"events.CablePlugged","smell":3,"evse_id"', "smell"),
        ('"events.CablePlugged","evse_id":1,', '"events.CablePlugged",', "evse_id"),
        ('{"recording":1', '{"recording":2', "format 1"),
        ('"$json"', '"$yaml"', "$yaml"),
    ],
)
def test_a_recording_that_cannot_be_understood_says_why(old: str, new: str, named: str, tmp_path: Path) -> None:
    file = written(visit("2.0.1").recorders[0], tmp_path / "x.jsonl.gz")
    text = gzip.decompress(file.read_bytes()).decode()
    assert old in text
    file.write_bytes(gzip.compress(text.replace(old, new).encode()))
    with pytest.raises(NoSuchValue, match=rf".*{named.replace('$', '.')}"):
        read(file)
    assert main([str(file)]) == 2


def test_what_is_no_recording_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("a.jsonl", b""), ("b.jsonl", b"[]"), ("c.jsonl.gz", b"no gzip"), ("d.jsonl.gz", b"")):
        (tmp_path / name).write_bytes(content)
        assert main([str(tmp_path / name)]) == 2
        assert name in capsys.readouterr().err


def test_a_recording_without_its_beginning_is_not_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [recorder] = visit("2.0.1").recorders
    file = tmp_path / "part.jsonl.gz"
    buffer = io.BytesIO()
    write(recorder.taken(), buffer, span=(recorder.taken().last[10].now.wall, float("inf")))  # type: ignore[union-attr]
    file.write_bytes(buffer.getvalue())
    assert main([str(file)]) == 2
    assert "the steps of the time that was asked for" in capsys.readouterr().err
    assert main(["--show", str(file)]) == 0
