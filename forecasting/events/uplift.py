"""The uplift put on a coming campaign: the planner's, or pooled from past ones, or a prior.

The forecast is base x holiday x (1 + sum of uplift x shape). Past campaigns also tell how fast
those of a category fade; that corrects the stated half-life.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.events.analogues import Lessons
from forecasting.events.curves import FELT, campaign_shape
from forecasting.events.pooling import Analogue, Pooled, pooled
from forecasting.grid import Floats
from wfm.campaigns import Campaign

# A planner's own figure is trusted more than the prior.
PLANNED_SD = 0.15
# The mean of a lognormal law lies above its median; a spread beyond this is ignorance, not skew.
SKEWED_SD = 0.5
# Standard deviations from the middle to an end of an 80 % interval.
REACH_OF_80 = 1.2816
# A learned half-life is put on a campaign when it differs from the stated one by this, in logs.
TOLD_FADE = 0.10
# Campaigns take no more than nine tenths of the ordinary contacts away.
LEAST_FACTOR = 0.1


@dataclass(frozen=True)
class Uplift:
    """The peak uplift put on a campaign, and how it was come by.

    campaign   as it is expected to be felt: its half-life is the learned one
    peak       its median; mean: what such a campaign brings on average
    sd         standard deviation of log(1 + uplift) at the peak
    low, high  ends of the uplift's 80 % interval
    """

    campaign: Campaign
    peak: float
    mean: float
    sd: float
    low: float
    high: float
    origin: str


def uplift_of(
    campaign: Campaign,
    queue: str,
    lessons: Lessons,
    *,
    channel: str = "",
    elsewhere: Sequence[Analogue] = (),
) -> Uplift:
    """The uplift to put on `campaign` on the queue: given, pooled from past ones, or the prior.

    elsewhere  what past campaigns did on other queues, which counts for less
    """
    faded, told = _as_it_fades(campaign, lessons)
    if campaign.peak_uplift is not None:
        given = float(np.log1p(campaign.peak_uplift))
        reach = REACH_OF_80 * PLANNED_SD
        low, high = (float(np.expm1(given + k * reach)) for k in (-1, 1))
        # What a planner states is what is to be expected: the mean as well as the median.
        planned = campaign.peak_uplift
        return Uplift(faded, planned, planned, PLANNED_SD, low, high, f"as planned{told}")
    past = [*lessons.analogues, *(one for one in elsewhere if one.queue != queue)]
    coming = Analogue(campaign.name, campaign.category, queue, channel, campaign.reach)
    found = pooled(coming, past)
    own = [one for one in lessons.analogues if one.category == campaign.category]
    lent = sum(one.category == campaign.category for one in past) - len(own)
    return Uplift(
        faded,
        float(np.expm1(found.mean)),
        float(np.expm1(found.mean + 0.5 * min(found.sd, SKEWED_SD) ** 2)),
        found.sd,
        float(np.expm1(found.low)),
        float(np.expm1(found.high)),
        _origin(own, lent, found) + told,
    )


def _as_it_fades(campaign: Campaign, lessons: Lessons) -> tuple[Campaign, str]:
    """The campaign with the half-life that its category was seen to have, and a word on it."""
    for category, times, count in lessons.fades:
        if category == campaign.category and abs(np.log(times)) >= TOLD_FADE:
            half_life = campaign.half_life_min * times
            told = (
                f"; fades {'slower' if times > 1 else 'faster'} than stated, with a half-life of "
                f"{half_life:.0f} minutes, as {count} of its kind did"
            )
            return replace(campaign, half_life_min=half_life), told
    return campaign, ""


def _origin(own: Sequence[Analogue], lent: int, found: Pooled) -> str:
    between = f"{np.expm1(found.low):+.0%} to {np.expm1(found.high):+.0%}"
    if own:
        shown = ", ".join(f"{np.expm1(one.log):+.0%}" for one in own)
        others = f" and {lent} on other queues" if lent else ""
        return f"learned from {len(own)} of its kind: {shown}{others}; 80 % within {between}"
    if lent:
        return f"learned from {lent} of its kind on other queues; 80 % within {between}"
    return f"a prior: no past campaign of its kind; 80 % within {between}"


@dataclass(frozen=True, eq=False)
class CampaignEffect:
    """What campaigns do to the coming intervals, shape (intervals,).

    factor  1 + sum of uplift x shape: half of such campaigns do more
    mean    what they do on average: above the factor, for uplifts lie skewed around their middle
    sd      standard deviation of the log of the factor
    uplifts of the campaigns felt
    """

    factor: Floats
    mean: Floats
    sd: Floats
    notes: tuple[str, ...] = ()
    uplifts: tuple[Uplift, ...] = ()


def felt_campaigns(campaigns: Sequence[Campaign], starts: pd.DatetimeIndex) -> list[Campaign]:
    """Those that are felt in any of the intervals."""
    return [c for c in campaigns if campaign_shape(c, starts).max(initial=0.0) >= FELT]


def campaign_effect(
    queue: str,
    campaigns: Sequence[Campaign],
    starts: pd.DatetimeIndex,
    lessons: Lessons,
    *,
    channel: str = "",
    elsewhere: Sequence[Analogue] = (),
) -> CampaignEffect:
    """The effect of the campaigns on the queue that are felt in the intervals.

    lessons    what past campaigns did on the queue (`lessons_of`)
    elsewhere  what they did on others, where these are to lend
    """
    added, expected, variance = (np.zeros(len(starts)) for _ in range(3))
    notes, uplifts = [], []
    for campaign in felt_campaigns([c for c in campaigns if queue in c.queues], starts):
        uplift = uplift_of(campaign, queue, lessons, channel=channel, elsewhere=elsewhere)
        shape = campaign_shape(uplift.campaign, starts)
        added += uplift.peak * shape
        expected += uplift.mean * shape
        # sd of log(1 + uplift) to sd of the uplift itself.
        variance += ((1 + uplift.peak) * uplift.sd * shape) ** 2
        uplifts.append(uplift)
        notes.append(
            f"{queue}: {campaign.category} {campaign.name!r}, "
            f"{uplift.peak:+.0%} at its peak ({uplift.origin})"
        )
    factor = np.maximum(1 + added, LEAST_FACTOR)
    mean = np.maximum(1 + expected, LEAST_FACTOR)
    return CampaignEffect(factor, mean, np.sqrt(variance) / factor, tuple(notes), tuple(uplifts))
