"""A loop for the stories of a test, which have to end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(story: Coroutine[Any, Any, T], limit_s: float = 30.0) -> T:
    """What the story gives. TimeoutError: it goes on and on."""
    return asyncio.run(asyncio.wait_for(story, limit_s))
