"""Spike mode of a queue: cases that can still be saved come before those already late."""

from __future__ import annotations

from wfm.brands import Brand
from wfm.store import waiting
from wfm.store.engine import Store


def set_spike_mode(store: Store, queue: str, on: bool, *, brand: Brand, actor: str) -> None:
    """Put the queue into spike mode or take it out; NotFound when the brand has no such queue."""
    name = brand.queue(queue).name
    with store.writing(actor) as writing:
        was = waiting.set_spike_mode(writing, name, on)
        writing.audit(
            "queue.spike_mode", name, before={"spike_mode": was}, after={"spike_mode": on}
        )
