"""What if it spikes? The published roster, simulated with and without the spike.

Both runs share their random numbers, so what differs is the spike's doing. There is no store in
`evaluate`, so a what-if cannot publish.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from api.planning.records import load_plan
from forecasting.scenarios.paths import Noise, paths_from
from scheduling.simulation.attainment import attainment_by_interval
from scheduling.simulation.simulate import simulate
from scheduling.simulation.trial import Simulation
from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.errors import RequestError
from wfm.paths import Paths
from wfm.store.brands import load_brand
from wfm.store.engine import Store
from wfm.timegrid import INTERVAL, format_instant, intervals, local_midnight

# The queues need some hours to fill before the day, and the day's trouble reaches into the next.
LEAD = timedelta(hours=6)
SPAN = timedelta(hours=36)

# Recovered: on time again as it would have been without the spike, and staying so for an hour.
RECOVERED_WITHIN = 0.02
RECOVERED_FOR = 4


@dataclass(frozen=True)
class WhatIfBase:
    """One day of the roster in force, ready to be asked about.

    start, end  what is simulated: some hours before the local day until noon of the next
    """

    brand: Brand
    plan_id: int
    start: datetime
    end: datetime
    forecast: pd.DataFrame = field(repr=False)
    on_shift: pd.DataFrame = field(repr=False)
    noise: Noise = field(repr=False)


@dataclass(frozen=True)
class Spike:
    """Contacts multiplied by `factor` for `length_min`, then the excess halves every half-life.

    queues  names; empty means all
    """

    queues: tuple[str, ...]
    start: datetime
    length_min: int
    factor: float
    half_life_min: float = 60.0

    def __post_init__(self) -> None:
        if not 0 <= self.factor <= 100:
            raise RequestError(f"a factor of {self.factor} is out of range; choose 0 to 100")
        if not 0 < self.length_min <= 24 * 60:
            raise RequestError(f"a length of {self.length_min} minutes; choose 1 to 1440")
        if not 0 < self.half_life_min <= 24 * 60:
            raise RequestError(f"a half-life of {self.half_life_min} minutes; choose 1 to 1440")

    def shape(self, instant: datetime) -> float:
        """Share of the full excess at `instant`."""
        ends = self.start + timedelta(minutes=self.length_min)
        push = Campaign(
            "spike", self.start, ends, self.queues, rise_min=0, half_life_min=self.half_life_min
        )
        return push.shape(instant)


@dataclass(frozen=True)
class Worst:
    """The largest mean backlog of a run, messages waiting, and when it stood."""

    backlog: float
    at: datetime


@dataclass(frozen=True)
class WhatIfResult:
    """Before and after the spike, side by side.

    table         start, queue ("" is all), attainment_before, attainment_after with _low and _high
                  (P10 and P90 across sampled days), backlog_before, backlog_after (means)
    recovered_at  when all queues are on time again as without the spike; None: not by the end
    """

    table: pd.DataFrame = field(repr=False)
    worst_before: Worst
    worst_after: Worst
    attainment_before: float
    attainment_after: float
    recovered_at: datetime | None
    added_contacts: float
    replications: int
    seed: int
    seconds: float


def load_base(store: Store, day: date) -> WhatIfBase:
    """The published roster around the local `day`; RequestError when it does not cover it."""
    plan = load_plan(store, "current")
    with store.reading() as connection:
        brand = load_brand(connection)
    midnight = local_midnight(day, brand.tz)
    if not plan.start <= midnight < plan.end:
        last = plan.end.astimezone(brand.tz).date() - timedelta(days=1)
        raise RequestError(
            f"the published roster covers {plan.start.astimezone(brand.tz).date()} to {last}, "
            f"not {day}"
        )
    start = max(plan.start, midnight - LEAD)
    end = min(plan.end, midnight + SPAN)
    return WhatIfBase(
        brand=brand,
        plan_id=plan.plan_id,
        start=start,
        end=end,
        forecast=plan.forecast(start, end),
        # A shift that began the evening before still works in the morning.
        on_shift=plan.on_shift(start - timedelta(hours=16), end),
        noise=Noise.from_document(plan.lineage["noise"]),
    )


def evaluate(
    base: WhatIfBase, spike: Spike, *, replications: int = 50, seed: int = 1
) -> WhatIfResult:
    """Simulate the day with and without the spike; deterministic in `seed`.

    RequestError for a spike outside the simulated span, NotFound for an unknown queue.
    """
    began = time.perf_counter()
    if not base.start <= spike.start < base.end:
        raise RequestError(
            f"the spike starts at {format_instant(spike.start)}, outside of "
            f"{format_instant(base.start)} to {format_instant(base.end)}"
        )
    paths = paths_from(base.forecast, base.noise, count=replications, seed=seed)
    spiked = add_spike(paths, base, spike, seed=seed)
    before, after = (
        simulate(
            base.on_shift, base.forecast, p, base.brand, start=base.start, end=base.end, seed=seed
        )
        for p in (paths, spiked)
    )
    table = side_by_side(before, after)
    everything = table[table["queue"] == ""].reset_index(drop=True)
    return WhatIfResult(
        table=table,
        worst_before=worst(everything, "backlog_before"),
        worst_after=worst(everything, "backlog_after"),
        attainment_before=overall(everything, "attainment_before", "cases_before"),
        attainment_after=overall(everything, "attainment_after", "cases_after"),
        recovered_at=recovery(everything, spike),
        added_contacts=float((spiked.contacts - paths.contacts).sum() / replications),
        replications=replications,
        seed=seed,
        seconds=time.perf_counter() - began,
    )


def add_spike(paths: Paths, base: WhatIfBase, spike: Spike, *, seed: int) -> Paths:
    """The paths with the spike's contacts added, or thinned for a factor below 1."""
    for name in spike.queues:
        base.brand.queue(name)
    shape = np.array([spike.shape(t) for t in intervals(base.start, base.end)])
    change = (spike.factor - 1.0) * shape
    rng = np.random.default_rng([seed, 20])
    contacts = paths.contacts.copy()
    for q, name in enumerate(paths.queues):
        if spike.queues and name not in spike.queues:
            continue
        counts = contacts[:, :, q]
        if spike.factor >= 1.0:
            contacts[:, :, q] = counts + rng.poisson(counts * change)
        else:
            contacts[:, :, q] = rng.binomial(counts, 1.0 + change)
    return Paths(paths.start, paths.queues, contacts)


def side_by_side(before: Simulation, after: Simulation) -> pd.DataFrame:
    """Both runs by interval, for all queues together ("") and each alone."""
    parts = []
    for queue in ("", *before.queues):
        runs = [attainment_by_interval(run, queue) for run in (before, after)]
        renamed = [
            run.rename(
                columns={
                    "cases": f"cases_{when}",
                    "attainment": f"attainment_{when}",
                    "attainment_low": f"attainment_{when}_low",
                    "attainment_high": f"attainment_{when}_high",
                    "backlog": f"backlog_{when}",
                }
            )
            for run, when in zip(runs, ("before", "after"), strict=True)
        ]
        parts.append(renamed[0].merge(renamed[1], on="start").assign(queue=queue))
    return pd.concat(parts, ignore_index=True)


def worst(table: pd.DataFrame, column: str) -> Worst:
    at = int(table[column].to_numpy().argmax())
    return Worst(float(table[column].iloc[at]), table["start"].iloc[at].to_pydatetime() + INTERVAL)


def overall(table: pd.DataFrame, share: str, cases: str) -> float:
    """Share of all cases of the span that were answered in time."""
    known = table[share].notna()
    total = float(table.loc[known, cases].sum())
    return (
        float((table.loc[known, share] * table.loc[known, cases]).sum() / total) if total else 1.0
    )


def recovery(table: pd.DataFrame, spike: Spike) -> datetime | None:
    """The first interval from the spike's start on after which the loss stays away for an hour.

    The spike's own start when it never cost anything.
    """
    after_start = table[table["start"] >= spike.start]
    loss = (after_start["attainment_before"] - after_start["attainment_after"]).fillna(0.0)
    hurt = (loss > RECOVERED_WITHIN).to_numpy()
    starts = list(after_start["start"].dt.to_pydatetime())
    if not hurt.any():
        return spike.start
    last = int(np.flatnonzero(hurt).max())
    if last + RECOVERED_FOR >= len(hurt):
        return None
    recovered: datetime = starts[last + 1]
    return recovered
