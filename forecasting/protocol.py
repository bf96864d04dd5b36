"""What every forecaster is given and gives back, ours and other people's alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from forecasting.engine.clean import Cleaned, clean
from forecasting.grid import Bools, Days, Floats, Ints, weekdays

Cost = Literal["cheap", "challenger"]


@dataclass(frozen=True, eq=False)
class History:
    """One queue's past on local days.

    days    (days,) consecutive local dates
    counts  (days, 96) contacts; NaN is missing, never zero
    known   (days, 96) where a holiday, a campaign or a marked outage moved the count
    trusted (days, 96) counts that a person says are normal: neither capped nor taken for an outage
    """

    queue: str
    days: Days
    counts: Floats
    known: Bools
    trusted: Bools | None = None

    def __len__(self) -> int:
        return len(self.days)

    @cached_property
    def weekday(self) -> Ints:
        return weekdays(self.days)

    @cached_property
    def cleaned(self) -> Cleaned:
        """The counts a baseline learns from."""
        trusted = None if self.trusted is None else self.trusted[None]
        return clean(self.counts[None], self.known[None], trusted).one(0)

    @cached_property
    def ordinary(self) -> Floats:
        """Counts as they were, NaN where missing or moved by something known: what is scored."""
        return np.where(self.known | self.cleaned.outage, np.nan, self.counts)

    def until(self, day: int) -> History:
        """The first `day` days, as they were known then."""
        return self._cut(slice(0, day))

    def since(self, day: int) -> History:
        """The days from index `day` on."""
        return self._cut(slice(max(0, day), len(self)))

    def _cut(self, kept: slice) -> History:
        return replace(
            self,
            days=self.days[kept],
            counts=self.counts[kept],
            known=self.known[kept],
            trusted=None if self.trusted is None else self.trusted[kept],
        )


@dataclass(frozen=True, eq=False)
class Prediction:
    """Contacts expected in each slot, shape (..., days, 96); never negative.

    median     the point that is right half of the time; accuracy and bands are built on it
    mean       what workload is made of
    quantiles  (..., days, slots, quantiles) of a forecaster that has its own; else they are learned
               from its back-test
    """

    median: Floats
    mean: Floats
    quantiles: Floats | None = None


class Forecaster(Protocol):
    """Predicts ordinary days: holidays, campaigns and bands are put on top by others.

    name  as it stands in tables and options
    cost  a challenger is slow and gets few origins in a back-test
    """

    @property
    def name(self) -> str: ...

    @property
    def cost(self) -> Cost: ...

    def refusal(self, history: History) -> str | None:
        """Why this forecaster is not fit for the history, or None."""

    def predict(self, history: History, days: Days) -> Prediction:
        """Predict the local `days`, all after the history's last."""

    def roll(self, history: History, origins: Ints, horizon: int) -> Prediction:
        """Predict `horizon` days from each origin, knowing only the days before it.

        origins  indices into `history.days` of the first day predicted

        Returns arrays (origins, horizon, 96).
        """


def refit_at_each(
    forecaster: Forecaster,
    history: History,
    origins: Sequence[int] | Ints,
    horizon: int,
    before_each: Callable[[], None] = lambda: None,
) -> Prediction:
    """`Forecaster.roll` by fitting anew at each origin: slow, and right for every model."""
    medians, means = [], []
    for origin in origins:
        before_each()
        first = history.days[0] + np.timedelta64(int(origin), "D")
        days = np.arange(first, first + np.timedelta64(horizon, "D"), dtype="datetime64[D]")
        predicted = forecaster.predict(history.until(int(origin)), days)
        medians.append(predicted.median)
        means.append(predicted.mean)
    return Prediction(np.array(medians), np.array(means))


def truth_of(history: History, origins: Sequence[int] | Ints, horizon: int) -> Floats:
    """What came, (origins, horizon, 96): NaN past the end and where it is not to be scored."""
    beyond = np.full((horizon, history.counts.shape[1]), np.nan)
    padded = np.concatenate((history.ordinary, beyond))
    rows = np.asarray(origins)[:, None] + np.arange(horizon)
    actual: Floats = padded[np.minimum(rows, len(padded) - 1)]
    return actual
