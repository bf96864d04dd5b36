"""Scenario paths: sampled futures of the contact counts, shared by forecasting and scheduling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from wfm.errors import DataError


@dataclass(frozen=True)
class Paths:
    """Sampled counts of new cases, on the 15-minute grid from `start`.

    contacts  whole numbers, shape (paths, intervals, queues), in the order of `queues`
    """

    start: datetime
    queues: tuple[str, ...]
    contacts: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.contacts.ndim != 3 or self.contacts.shape[2] != len(self.queues):
            raise DataError(
                f"paths have shape {self.contacts.shape}, want (paths, intervals, "
                f"{len(self.queues)} queues)"
            )
        if self.contacts.size and self.contacts.min() < 0:
            raise DataError(f"paths hold a count of {self.contacts.min()}; none may be negative")

    def of(self, queue: str) -> NDArray[np.int64]:
        """Counts of one queue, shape (paths, intervals)."""
        return self.contacts[:, :, self.queues.index(queue)]
