"""How a file of interval counts is to be read."""

from __future__ import annotations

from dataclasses import dataclass

from wfm.errors import RequestError
from wfm.ingest.cells import Ambiguous
from wfm.ingest.steps import parse_step
from wfm.ingest.tables import Column
from wfm.timegrid import zone_named

AHT_COLUMN = "aht_s"
LARGEST_SCALE = 1_000_000


@dataclass(frozen=True)
class VolumeOptions:
    """How a file of interval counts is to be read; each is an option of `wfm import volumes`.

    queue      all rows are of this queue; None: a column names it
    zone       of stamps without an offset
    step       such as 15min, where the stamps do not tell it
    floor      such as 5min: stamps are rounded down to it
    ambiguous  what becomes of a local time that happens twice
    scale      below 1 thins, above 1 multiplies, to whole counts
    seed       of `scale`
    """

    queue: str | None = None
    time_column: str = "timestamp"
    value_column: str = "value"
    aht_column: str = AHT_COLUMN
    zone: str = "UTC"
    step: str | None = None
    floor: str | None = None
    ambiguous: Ambiguous = "error"
    scale: float | None = None
    seed: int = 1
    replace: bool = False
    skip_bad: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        found = (
            Column(self.time_column, option="--time-column"),
            Column(self.value_column, option="--value-column"),
            # Optional under its usual name; who names another wants it.
            Column(self.aht_column, self.aht_column != AHT_COLUMN, option="--aht-column"),
        )
        if self.queue is not None:
            return found
        return (*found, Column("queue", instead="or name the queue of all rows with --queue"))

    @property
    def step_s(self) -> int | None:
        """The step in seconds; None where the stamps are to tell it."""
        return parse_step(self.step, "--step") if self.step else None

    @property
    def floor_s(self) -> int:
        """What stamps are rounded down to, seconds; 1 leaves them as they are."""
        return parse_step(self.floor, "--floor") if self.floor else 1

    def check(self) -> None:
        """RequestError for a value that no file could be read with."""
        zone_named(self.zone)
        if self.scale is not None and not 0 < self.scale <= LARGEST_SCALE:
            raise RequestError(f"--scale {self.scale:g}: want a number above 0", scale=self.scale)
        # Only to be told now of text that is no step.
        _ = self.floor_s, self.step_s
