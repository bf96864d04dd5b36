"""When and how strongly campaigns are felt, on the grid and on local days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.grid import SLOTS, Bools, Days, Floats, cells_between
from wfm.campaigns import Campaign
from wfm.timegrid import INTERVAL, floor_interval

# Below this share of its peak a campaign is no longer felt: after 6.6 half-lives.
FELT = 0.01


def felt_until(campaign: Campaign) -> datetime:
    """The instant from which the campaign's shape stays below `FELT`."""
    fade = campaign.half_life_min * float(np.log2(1 / FELT))
    return campaign.end + timedelta(minutes=fade)


def campaign_shape(campaign: Campaign, starts: pd.DatetimeIndex) -> Floats:
    """Share of the peak felt in each of the intervals, taken at its middle: `Campaign.shape`."""
    return shape_after(campaign, minutes_after(campaign.start, starts))


def minutes_after(start: datetime, starts: pd.DatetimeIndex) -> Floats:
    """Minutes from `start` to the middle of each interval."""
    passed = starts - pd.Timestamp(start)
    return np.asarray((passed + INTERVAL / 2) / pd.Timedelta(minutes=1), dtype=float)


def shape_after(campaign: Campaign, minutes: Floats) -> Floats:
    """Share of the peak felt so many minutes after the campaign's start; 0 below `FELT`."""
    lasts = (campaign.end - campaign.start).total_seconds() / 60.0
    risen = np.clip(minutes, 0.0, lasts)
    level = np.minimum(risen / campaign.rise_min, 1.0) if campaign.rise_min > 0 else 1.0
    shape = level * 0.5 ** (np.maximum(minutes - lasts, 0.0) / campaign.half_life_min)
    ends = (felt_until(campaign) - campaign.start).total_seconds() / 60.0
    return np.asarray(np.where((minutes >= 0) & (minutes < ends), shape, 0.0))


def moved_by_campaigns(
    days: Days,
    campaigns: Sequence[Campaign],
    queue: str,
    zone: ZoneInfo,
    slots: int = SLOTS,
) -> Bools:
    """Cells (days, slots) in which a campaign on the queue is felt."""
    moved = np.zeros((len(days), slots), dtype=bool)
    for campaign in campaigns:
        if queue in campaign.queues:
            felt = floor_interval(campaign.start), felt_until(campaign)
            moved |= cells_between(*felt, days, zone, slots)
    return moved
