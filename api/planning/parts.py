"""The parts that a forecast's number is made of, each with its sentence. Pure.

One wording for one interval of a queue and for any sum of them: a day of all queues, say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd

from forecasting.scoring.accuracy import Step
from wfm.adjustments import Adjustment
from wfm.campaigns import Campaign

PARTS = ("baseline", "holiday", "campaign", "correction")
# A change of fewer contacts than this is none.
FELT = 0.05
# A campaign of which less than this share of its peak is felt is not named.
FELT_SHARE = 0.01


@dataclass(frozen=True)
class Part:
    """One of the parts that add up to the mean: its contacts, and why they are there.

    name  baseline, holiday, campaign, correction or adjustment
    """

    name: str
    contacts: float
    because: str


@dataclass(frozen=True)
class Stretch:
    """What is explained: [start, end) at the step it is looked at by."""

    start: datetime
    end: datetime
    step: Step
    zone: ZoneInfo

    @property
    def words(self) -> str:
        """The weekday, and the time of day where the step is shorter than a day."""
        begins, ends = (at.astimezone(self.zone) for at in (self.start, self.end))
        if self.step == "day":
            return f"a {begins:%A}"
        return f"{begins:%H:%M} to {ends:%H:%M} on a {begins:%A}"


@dataclass(frozen=True)
class Known:
    """What the sentences name: what is known of the stretch.

    holidays     names of its public holidays with their countries
    campaigns    those of the queues
    adjustments  those of the queues in force
    merged       whether they were kept within the rows, where they cannot be told apart
    """

    holidays: Sequence[str]
    campaigns: Sequence[Campaign]
    adjustments: Sequence[Adjustment]
    merged: bool = False


def parts_of(
    table: pd.DataFrame,
    parts: pd.DataFrame,
    model: pd.DataFrame,
    known: Known,
    stretch: Stretch,
) -> tuple[Part, ...]:
    """The parts of the rows' sum; they add up to the mean of `table`.

    table, parts  FORECAST and PARTS of the stretch, adjustments in; no parts where none were kept
    model         FORECAST without adjustments: the difference is what planners have changed
    """
    mean = float(table["mean"].sum())
    adjusted = mean - float(model["mean"].sum())
    found = {name: float(parts[name].sum()) for name in PARTS}
    if parts.empty:
        found["baseline"] = mean - adjusted
        usual = "This version was kept without its parts; all of it is shown as the baseline."
    else:
        found["correction"] -= adjusted
        usual = f"What {stretch.words} usually brings, by the last weeks."
    sentences = {
        "baseline": usual,
        "holiday": _holiday(found["holiday"], known.holidays),
        "campaign": _campaign(found["campaign"], known.campaigns, stretch),
        "correction": _correction(found["correction"]),
    }
    return (
        *(Part(name, found[name], sentences[name]) for name in PARTS),
        Part("adjustment", adjusted, _adjustment(adjusted, known, stretch)),
    )


def _holiday(contacts: float, names: Sequence[str]) -> str:
    if names:
        return _felt(", ".join(names), contacts)
    return (
        "No public holiday of the queue's markets."
        if abs(contacts) < FELT
        else "A public holiday is near."
    )


def _campaign(contacts: float, campaigns: Sequence[Campaign], stretch: Stretch) -> str:
    middle = stretch.start + (stretch.end - stretch.start) / 2
    shares = [(one.name, one.shape(middle)) for one in campaigns]
    felt = [f"{name} ({s * 100:.0f} % of its peak)" for name, s in shares if s >= FELT_SHARE]
    if felt:
        return _felt(" and ".join(felt), contacts)
    return "No campaign." if abs(contacts) < FELT else "A campaign that begins or fades here."


def _correction(contacts: float) -> str:
    if abs(contacts) < FELT:
        return "The last days were as busy as usual."
    return f"The last days were {'busier' if contacts > 0 else 'quieter'} than usual."


def _adjustment(contacts: float, known: Known, stretch: Stretch) -> str:
    inside = [c for c in known.adjustments if c.start < stretch.end and c.end > stretch.start]
    if not inside:
        return "No planner has changed it."
    told = "; ".join(adjustment_text(one) for one in inside)
    if known.merged:
        return f"{told}. It is in the correction, since it was made into the plan."
    return told if abs(contacts) >= FELT else f"{told} (no change here)"


def _felt(what: str, contacts: float) -> str:
    return f"{what}: no change here." if abs(contacts) < FELT else f"{what}."


def adjustment_text(one: Adjustment) -> str:
    """An adjustment in words, such as '+20 %: TV spot on Monday'."""
    if one.kind == "percent":
        told = f"{one.value:+g} %"
    elif one.kind == "set":
        told = f"set to {one.value:,.0f} contacts in all"
    else:
        told = f"{one.low:,.0f} to {one.high:,.0f} contacts in all"
    return f"{told}: {one.reason}"
