"""What was read or composed lately, kept at hand: what never changes under its name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class Shelf(Generic[T]):
    """The last `size` things by their names; the one that was not asked for longest goes first.

    Threads share it. Two that ask for the same at once may both make it.
    """

    size: int
    _held: OrderedDict[Hashable, T] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        """The thing of the name, made if it is not at hand."""
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
        made = make()
        self.put(name, made)
        return made

    def put(self, name: Hashable, thing: T) -> None:
        with self._lock:
            self._held[name] = thing
            self._held.move_to_end(name)
            while len(self._held) > self.size:
                self._held.popitem(last=False)
