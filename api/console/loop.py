"""Callbacks off the event loop, so that a chart being drawn never holds up the queue's API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def off_loop(work: Callable[..., T], *first: object) -> Callable[..., Awaitable[T]]:
    """`work` with its first arguments set, run in a thread; the rest come from the browser."""

    async def run(*rest: object, **named: object) -> T:
        return await asyncio.to_thread(work, *first, *rest, **named)

    return run
