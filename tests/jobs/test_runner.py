"""Jobs are started, told of, stopped and outlived in order."""

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.jobs import JobFailed
from chargepointd.jobs import runner
from chargepointd.jobs.runner import Jobs, Place


class Count(NamedTuple):
    """Tell each number up to `to`, waiting for `gate` before each; then return the last."""

    to: int


class Break(NamedTuple):
    pass


gate = asyncio.Event()
cleaned: list[str] = []


async def count(job: Count, place: Place, tell: Callable[[Any], None]) -> int:
    try:
        for number in range(job.to):
            tell(number)
            await gate.wait()
        return job.to
    finally:
        cleaned.append("count")


async def break_(job: Break, place: Place, tell: Callable[[Any], None]) -> None:
    raise ZeroDivisionError("by a test")


@pytest.fixture(autouse=True)
def works(monkeypatch: pytest.MonkeyPatch) -> None:
    global gate
    gate = asyncio.Event()
    cleaned.clear()
    monkeypatch.setitem(runner.WORK, "Count", f"{__name__}:count")
    monkeypatch.setitem(runner.WORK, "Break", f"{__name__}:break_")
    assert __name__ in sys.modules


def ran(story: Callable[[Jobs, list[e.Event]], Any]) -> list[e.Event]:
    """The events that were posted while `story` went on."""
    posted: list[e.Event] = []

    async def life() -> None:
        jobs = Jobs(Place(Path("/nowhere")), posted.append)
        task = asyncio.create_task(jobs.run())
        await asyncio.sleep(0)
        await story(jobs, posted)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(life())
    return posted


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the events come in turns of this loop
            await asyncio.sleep(0)


def test_a_job_tells_and_ends() -> None:
    async def story(jobs: Jobs, posted: list[e.Event]) -> None:
        gate.set()
        jobs.start(f.StartJob("t", "1", Count(2)))
        await until(lambda: len(posted) == 3)

    assert ran(story) == [e.JobTold("t", "1", 0), e.JobTold("t", "1", 1), e.JobEnded("t", "1", 2)]


def test_a_job_that_was_stopped_is_not_heard_of() -> None:
    async def story(jobs: Jobs, posted: list[e.Event]) -> None:
        jobs.start(f.StartJob("t", "1", Count(2)))
        await until(lambda: posted)
        jobs.stop(f.StopJob("t", "1"))
        gate.set()
        await until(lambda: cleaned)

    assert ran(story) == [e.JobTold("t", "1", 0)]


def test_a_job_of_the_same_id_takes_the_place_of_the_earlier() -> None:
    async def story(jobs: Jobs, posted: list[e.Event]) -> None:
        jobs.start(f.StartJob("t", "1", Count(5)))
        await until(lambda: posted)
        jobs.start(f.StartJob("t", "1", Count(1)))
        await until(lambda: len(posted) == 2)
        gate.set()
        await until(lambda: len(posted) == 3)

    assert ran(story)[-1] == e.JobEnded("t", "1", 1)


def test_a_job_that_raises_is_told_as_failed(caplog: pytest.LogCaptureFixture) -> None:
    async def story(jobs: Jobs, posted: list[e.Event]) -> None:
        jobs.start(f.StartJob("t", "1", Break()))
        await until(lambda: posted)

    with caplog.at_level(logging.ERROR):
        assert ran(story) == [e.JobEnded("t", "1", JobFailed("ZeroDivisionError: by a test"))]
    assert "ZeroDivisionError" in caplog.text


def test_the_end_of_the_process_cancels_what_runs() -> None:
    async def story(jobs: Jobs, posted: list[e.Event]) -> None:
        jobs.start(f.StartJob("t", "1", Count(2)))
        await until(lambda: posted)

    assert ran(story) == [e.JobTold("t", "1", 0)]
    assert cleaned == ["count"]


def test_a_job_asked_for_before_the_runner_is_up_is_done() -> None:
    posted: list[e.Event] = []

    async def life() -> None:
        gate.set()
        jobs = Jobs(Place(Path("/nowhere")), posted.append)
        jobs.start(f.StartJob("t", "1", Count(1)))
        task = asyncio.create_task(jobs.run())
        await until(lambda: len(posted) == 2)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(life())
    assert posted[-1] == e.JobEnded("t", "1", 1)
