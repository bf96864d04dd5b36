"""The uplift put on a coming campaign: the planner's, or pooled from past ones, or a prior.

The forecast is base x holiday x (1 + sum of uplift x shape). Past campaigns also tell how fast
those of a category fade; that corrects the stated half-life.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.analogues import Lessons, lessons_of
from forecasting.curves import FELT, campaign_shape
from forecasting.grid import Floats
from forecasting.pooling import Analogue, Pooled, pooled
from forecasting.protocol import History
from wfm.campaigns import Campaign

# A planner's own figure is trusted more than the prior.
PLANNED_SD = 0.15
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
    sd         standard deviation of log(1 + uplift) at the peak
    low, high  ends of the uplift's 80 % interval
    """

    campaign: Campaign
    peak: float
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
        return Uplift(faded, campaign.peak_uplift, PLANNED_SD, low, high, f"as planned{told}")
    past = [*lessons.analogues, *(one for one in elsewhere if one.queue != queue)]
    coming = Analogue(campaign.name, campaign.category, queue, channel, campaign.reach)
    found = pooled(coming, past)
    own = [one for one in lessons.analogues if one.category == campaign.category]
    lent = sum(one.category == campaign.category for one in past) - len(own)
    return Uplift(
        faded,
        float(np.expm1(found.mean)),
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

    factor  1 + sum of uplift x shape
    sd      standard deviation of the log of the factor
    uplifts of the campaigns felt
    """

    factor: Floats
    sd: Floats
    notes: tuple[str, ...]
    uplifts: tuple[Uplift, ...] = ()


def campaign_effect(
    history: History,
    campaigns: Sequence[Campaign],
    starts: pd.DatetimeIndex,
    zone: ZoneInfo,
    *,
    channel: str = "",
    elsewhere: Sequence[Analogue] = (),
) -> CampaignEffect:
    """The effect of the campaigns on the queue that are felt in the intervals.

    elsewhere  what past campaigns did on other queues (`lessons_of`), where they are to lend
    """
    added, variance = np.zeros(len(starts)), np.zeros(len(starts))
    coming = [
        campaign
        for campaign in campaigns
        if history.queue in campaign.queues
        and campaign_shape(campaign, starts).max(initial=0.0) >= FELT
    ]
    if not coming:
        return CampaignEffect(1 + added, variance, ())
    lessons = lessons_of(history, campaigns, zone, channel)
    notes, uplifts = [], []
    for campaign in coming:
        uplift = uplift_of(campaign, history.queue, lessons, channel=channel, elsewhere=elsewhere)
        shape = campaign_shape(uplift.campaign, starts)
        added += uplift.peak * shape
        # sd of log(1 + uplift) to sd of the uplift itself.
        variance += ((1 + uplift.peak) * uplift.sd * shape) ** 2
        uplifts.append(uplift)
        notes.append(
            f"{history.queue}: {campaign.category} {campaign.name!r}, "
            f"{uplift.peak:+.0%} at its peak ({uplift.origin})"
        )
    factor = np.maximum(1 + added, LEAST_FACTOR)
    return CampaignEffect(factor, np.sqrt(variance) / factor, tuple(notes), tuple(uplifts))
