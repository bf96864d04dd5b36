"""Spikes to begin with: one for each cause, as large as they were in the brand's own past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from api.planning.shelf import Shelf
from forecasting.grid import fold
from forecasting.histories import history_of
from forecasting.scenarios.pushes import Push, pushes_of
from forecasting.scenarios.sizes import PRIOR_PUSHES, PRIORS, Size, Wave, sizes_of
from scheduling.whatif.scenario import Handling, Scenario, Surge
from wfm.brands import Brand
from wfm.campaigns import Campaign, Category
from wfm.errors import DataError
from wfm.ingest.history import load_volumes
from wfm.marks import Mark
from wfm.store import marks as mark_rows
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store
from wfm.store.forecasts import last_change
from wfm.timegrid import local_day, local_midnight

# What is older says little of how people write today.
LEARNED_FROM = timedelta(days=730)
# A change of handling times below this is none.
FELT = 0.03

Sized = Literal["typical", "high"]

# As they are offered: those that nobody plans first.
ORDER: tuple[Category, ...] = ("viral", "outage", "campaign", "launch", "market", "regulatory")

TITLES: dict[Category, str] = {
    "viral": "A post goes viral",
    "outage": "An outage",
    "campaign": "A campaign runs",
    "launch": "A product is launched",
    "market": "The market moves",
    "regulatory": "New rules are announced",
}

# What teaches each: one, many.
TEACHERS: dict[Category, tuple[str, str]] = {
    "viral": ("spike that nobody announced", "spikes that nobody announced"),
    "outage": ("past outage", "past outages"),
    "campaign": ("past campaign", "past campaigns"),
    "launch": ("past launch", "past launches"),
    "market": ("past market event", "past market events"),
    "regulatory": ("past change of rules", "past changes of rules"),
}


@dataclass(frozen=True)
class SurgeTemplate:
    """A `Surge` that has no start yet.

    after_min      minutes after the preset's start
    factor         the usual volume is multiplied by it: `typical` or `high`, as was asked for
    typical, high  half of such spikes go further than the one, one in ten further than the other
    """

    after_min: int
    length_min: int
    factor: float
    typical: float
    high: float
    rise_min: int
    half_life_min: int


@dataclass(frozen=True)
class Preset:
    """A spike of a cause.

    surges        one; two for an outage that stops contacts first
    handling      handling times are so many times the usual while it lasts
    learned_from  past spikes that taught it; 0: none did
    because       where its size comes from, in a sentence or two
    """

    cause: Category
    title: str
    surges: tuple[SurgeTemplate, ...]
    handling: float
    learned_from: int
    because: str


def presets(store: Store, *, queue: str | None = None, high: bool = False) -> tuple[Preset, ...]:
    """A preset for each of the six causes, learned from all volumes before today.

    queue  as large as on it, which what happened on others tells less of; None: on any
    high   as large as one in ten, instead of the typical size

    Raises NotFound without a brand, and for a queue that it does not have.
    """
    with store.reading() as connection:
        brand = load_brand(connection)
        campaigns, marks = load_campaigns(connection), mark_rows.load(connection)
        _, imported = last_change(connection)
    name = None if queue is None else brand.queue(queue).name
    today = local_midnight(local_day(store.clock.now(), brand.tz), brand.tz)
    past = _PUSHES.get(
        (store.engine.url, imported, today, brand, campaigns, marks),
        lambda: _pushes(store, brand, campaigns, marks, today),
    )
    sizes = {size.cause: size for size in sizes_of(past, queue=name)}
    sized: Sized = "high" if high else "typical"
    return tuple(_preset(sizes[cause], sized, name) for cause in ORDER)


def preset_scenario(preset: Preset, start: datetime, queues: tuple[str, ...] = ()) -> Scenario:
    """The preset as a scenario that begins at `start`, on these queues or on all."""
    surges = tuple(
        Surge(
            start=start + timedelta(minutes=one.after_min),
            length_min=one.length_min,
            queues=queues,
            factor=one.factor,
            rise_min=one.rise_min,
            half_life_min=one.half_life_min,
            cause=preset.cause,
        )
        for one in preset.surges
    )
    handling: tuple[Handling, ...] = ()
    if abs(preset.handling - 1.0) >= FELT:
        last = surges[-1]
        # By then a quarter of it is left.
        faded = last.end + timedelta(minutes=2 * last.half_life_min)
        handling = (Handling(surges[0].start, faded, preset.handling, queues),)
    return Scenario(name=preset.title, surges=surges, handling=handling)


# -- what the past taught ------------------------------------------------------------------------

# Kept at hand until an import, a campaign or a mark tells more, or a day has passed.
_PUSHES: Shelf[tuple[Push, ...]] = Shelf(4)


def _pushes(
    store: Store,
    brand: Brand,
    campaigns: tuple[Campaign, ...],
    marks: tuple[Mark, ...],
    today: datetime,
) -> tuple[Push, ...]:
    """All that pushed the brand's queues before today."""
    with store.reading() as connection:
        volumes = load_volumes(connection, start=today - LEARNED_FROM, end=today)
    found: list[Push] = []
    for queue in brand.queues:
        rows = volumes[volumes["queue"] == queue.name]
        if rows.empty:
            continue
        try:
            history, _ = history_of(rows, brand, campaigns, queue.name, marks)
        except DataError:
            continue  # too short a past to tell what is usual teaches nothing
        starts = pd.DatetimeIndex(rows["start"])
        _, aht_s = fold(starts, rows["aht_s"].to_numpy(dtype=np.float64), brand.tz)
        found += pushes_of(history, campaigns, marks, brand.tz, aht_s=aht_s)
    return tuple(found)


# -- in words ------------------------------------------------------------------------------------


def _preset(size: Size, sized: Sized, queue: str | None) -> Preset:
    title = TITLES[size.cause]
    if size.cause == "outage":
        title += ": contacts stop, then come at once" if size.stops else ": everybody writes"
    return Preset(
        cause=size.cause,
        title=title,
        surges=_templates(size.waves, sized),
        handling=round(size.handling, 2),
        learned_from=size.learned_from,
        because=_because(size, queue),
    )


def _templates(waves: tuple[Wave, ...], sized: Sized) -> tuple[SurgeTemplate, ...]:
    """The waves in round figures; one begins when the one before it ends."""
    found: list[SurgeTemplate] = []
    after = 0
    for wave in waves:
        typical, high = _round_factor(wave.factor), _round_factor(wave.high)
        template = SurgeTemplate(
            after_min=after,
            length_min=_round_minutes(wave.length_min),
            factor=typical if sized == "typical" else high,
            typical=typical,
            high=high,
            rise_min=_round_minutes(wave.rise_min) if wave.rise_min > 1 else 0,
            half_life_min=max(
                1, _round_minutes(wave.half_life_min) if wave.half_life_min > 1 else 1
            ),
        )
        after += template.length_min
        found.append(template)
    return tuple(found)


def _round_minutes(minutes: float) -> int:
    """Fives within the hour, quarters of an hour beyond."""
    step = 5 if minutes < 60 else 15
    return max(step, step * round(minutes / step))


def _round_factor(factor: float) -> float:
    return round(factor, 1 if factor >= 2 else 2)


def _because(size: Size, queue: str | None) -> str:
    prior = _prior_in_words(size)
    one, many = TEACHERS[size.cause]
    if not size.learned_from:
        return (
            f"A belief: the volumes know of no {one}. {prior}. Past ones that are imported as "
            f"campaigns of the category {size.cause} teach it."
        )
    count = f"{size.learned_from} {one if size.learned_from == 1 else many}"
    on = f", {size.own} on {queue}" if queue is not None else ""
    if size.learned_from < PRIOR_PUSHES:
        return f"Learned from {count}{on}; with so few, our belief counts for more. {prior}."
    weighs = f"as much as {PRIOR_PUSHES:.0f} of them"
    return f"Learned from {count}{on}; our belief counts for {weighs}. {prior}."


def _prior_in_words(size: Size) -> str:
    if size.stops:
        return "It is that contacts stop for an hour, and twice the usual come when it is over"
    return f"It is {PRIORS[size.cause].factor:g} times the usual volume at the peak"
