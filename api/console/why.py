"""Why a number is what it is: a step of the forecast in its parts, each with its sentence. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from api.console import words
from api.console.steps import step_end
from forecasting.accuracy import Step
from wfm.adjustments import Adjustment
from wfm.campaigns import Campaign
from wfm.frames import QUANTILE_COLUMNS

PARTS = ("baseline", "holiday", "campaign", "correction")
# A change of fewer contacts than this is none.
FELT = 0.05
# A campaign of which less than this share is felt is not named.
FELT_SHARE = 0.01


@dataclass(frozen=True)
class Part:
    """One part of a forecast: contacts, and why they are there."""

    name: str
    contacts: float
    sentence: str


@dataclass(frozen=True)
class Why:
    """A step of the forecast: parts that add up to its mean, quantiles and handling time.

    quantiles  q025 to q975, contacts
    aht_s      of the contacts of the step, weighed by them
    """

    start: datetime
    step: Step
    mean: float
    parts: tuple[Part, ...]
    quantiles: Mapping[str, float]
    aht_s: float
    models: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What the sentences name: what is known of the step.

    holidays   names of the step's public holidays with their countries
    campaigns  those of the queues
    adjustments  those of the queues in force
    merged       whether they were kept within the rows, where they cannot be told apart
    """

    holidays: Sequence[str]
    campaigns: Sequence[Campaign]
    adjustments: Sequence[Adjustment]
    merged: bool = False


@dataclass(frozen=True)
class Span:
    """The step that is explained."""

    start: datetime
    step: Step
    zone: ZoneInfo

    @property
    def end(self) -> datetime:
        return step_end(self.start, self.step, self.zone)

    @property
    def words(self) -> str:
        """The weekday, and the time of day where the step is shorter than a day."""
        local = self.start.astimezone(self.zone)
        if self.step == "day":
            return f"A {local:%A}"
        hour = "the hour of " if self.step == "hour" else ""
        return f"A {local:%A}, {hour}{local:%H:%M},"


@dataclass(frozen=True, eq=False)
class Basis:
    """The tables that hold the step.

    table, parts  FORECAST and PARTS with adjustments in force
    model         FORECAST without them: the difference is what planners have changed
    bands         quantiles by step, indexed by start
    """

    table: pd.DataFrame
    parts: pd.DataFrame
    model: pd.DataFrame
    bands: pd.DataFrame


def explain(basis: Basis, known: Known, span: Span, queues: Collection[str]) -> Why | None:
    """The step in its parts; None where the forecast does not hold it."""

    def cut(whole: pd.DataFrame) -> pd.DataFrame:
        inside = (whole["start"] >= span.start) & (whole["start"] < span.end)
        return whole[inside & whole["queue"].isin(list(queues))]

    own, made_of, before = cut(basis.table), cut(basis.parts), cut(basis.model)
    bands = basis.bands[basis.bands.index == span.start]
    if own.empty or bands.empty:
        return None
    mean = float(own["mean"].sum())
    adjusted = mean - float(before["mean"].sum())
    found = {name: float(made_of[name].sum()) for name in PARTS}
    kept = not made_of.empty
    if kept:
        found["correction"] -= adjusted
    else:
        found["baseline"] = mean - adjusted
    weights, aht = own["mean"].to_numpy(float), own["aht_s"].to_numpy(float)
    return Why(
        start=span.start,
        step=span.step,
        mean=mean,
        parts=_parts(found, known, span, adjusted=adjusted, kept=kept),
        quantiles={name: float(bands[name].iloc[0]) for name in QUANTILE_COLUMNS},
        aht_s=float(np.average(aht, weights=weights) if weights.sum() > 0 else aht.mean()),
        models=tuple(sorted(set(own["model"]))),
    )


def _parts(
    found: Mapping[str, float], known: Known, span: Span, *, adjusted: float, kept: bool
) -> tuple[Part, ...]:
    baseline = found["baseline"]
    usual = (
        f"{span.words} usually brings {words.number(baseline, digits=1)} contacts, by what the "
        "last weeks were like."
        if kept
        else "This version was kept without its parts; all of it is shown as the baseline."
    )
    return (
        Part("Baseline", baseline, usual),
        Part("Holiday", found["holiday"], _holiday(found["holiday"], known.holidays)),
        Part("Campaign", found["campaign"], _campaign(found["campaign"], known.campaigns, span)),
        Part("Correction", found["correction"], _correction(found["correction"])),
        Part("Adjustment", adjusted, _adjustment(adjusted, known, span)),
    )


def _adds(contacts: float) -> str:
    amount = words.number(abs(contacts), digits=1)
    return f"adds {amount}" if contacts > 0 else f"takes away {amount}"


def _holiday(contacts: float, names: Sequence[str]) -> str:
    if not names:
        return "No public holiday of the queue's markets is felt."
    told = ", ".join(names)
    if abs(contacts) < FELT:
        return f"{told} changes nothing here."
    return f"{told} {_adds(contacts)}."


def _campaign(contacts: float, campaigns: Sequence[Campaign], span: Span) -> str:
    middle = span.start + (span.end - span.start) / 2
    felt = [(c.name, c.shape(middle)) for c in campaigns if c.shape(middle) >= FELT_SHARE]
    if not felt:
        return (
            "No campaign is felt."
            if abs(contacts) < FELT
            else f"A campaign that begins or fades within this time {_adds(contacts)}."
        )
    told = " and ".join(f"{name} ({words.percent(s, digits=0)} of its peak)" for name, s in felt)
    if abs(contacts) < FELT:
        return f"{told} changes nothing here."
    return f"{told} {_adds(contacts) if len(felt) == 1 else 'together: ' + _signed(contacts)}."


def _signed(contacts: float) -> str:
    return f"{'+' if contacts >= 0 else '−'}{words.number(abs(contacts), digits=1)}"


def _correction(contacts: float) -> str:
    if abs(contacts) < FELT:
        return "The last days were as busy as usual."
    busy = "busier" if contacts > 0 else "quieter"
    return f"The last days were {busy} than usual: {_signed(contacts)}."


def _adjustment(contacts: float, known: Known, span: Span) -> str:
    inside = [c for c in known.adjustments if c.start < span.end and c.end > span.start]
    if not inside:
        return "No planner has changed it."
    told = "; ".join(f"“{c.reason}”" for c in inside)
    if known.merged:
        return f"{told}: in the correction, since it was made into the plan."
    return f"{told}: {_signed(contacts)}." if abs(contacts) >= FELT else f"{told}: no change here."
