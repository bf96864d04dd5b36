"""What one more agent-hour saves, interval by interval, by the program's prices."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from scheduling.rostering.cover import Cover
from scheduling.rostering.need import SkillGroups
from wfm.timegrid import INTERVAL


def savings(
    cover: Cover, groups: SkillGroups, queues: tuple[str, ...], start: datetime
) -> pd.DataFrame:
    """Columns start, queues and saves: a row an interval and skill group, in this order.

    queues  those the group serves, joined by ", "
    saves   money that one more agent-hour of the group in the interval saves; never below 0

    Prices of the linear program: what they say of a single hour holds only near the mix.
    """
    names = [
        ", ".join(q for q, served in zip(queues, row, strict=True) if served)
        for row in groups.serves.tolist()
    ]
    intervals = len(cover.head_price)
    starts = pd.date_range(start, periods=intervals, freq=INTERVAL, unit="us")
    return pd.DataFrame(
        {
            "start": starts.repeat(len(names)),
            "queues": pd.Series(names * intervals, dtype="str"),
            "saves": np.asarray(cover.head_price).reshape(-1),
        }
    )


def dearest_hours(table: pd.DataFrame, *, most: int = 5) -> list[tuple[datetime, str, float]]:
    """The hours in which one more agent-hour saves most, dearest first: start, queues, money.

    table  of `savings`

    Of agents who would save the same in an hour those with the fewest skills are named; hours in
    which nothing is saved are left out.
    """
    hourly = table.assign(start=table["start"].dt.floor("h"))
    hourly = hourly.groupby(["start", "queues"], sort=True)["saves"].mean().round(2).reset_index()
    hourly = hourly[hourly["saves"] > 0].assign(skills=hourly["queues"].str.count(","))
    ordered = hourly.sort_values(["saves", "skills", "start"], ascending=[False, True, True])
    best = ordered.drop_duplicates("start").head(most)
    starts = [at.to_pydatetime() for at in best["start"]]
    return list(zip(starts, best["queues"].tolist(), best["saves"].tolist(), strict=True))


def saving_in_words(queues: str, saves: float) -> str:
    """One row of `savings` as a sentence.

    >>> saving_in_words("x, email", 7.25)
    'one more agent-hour on x, email here saves 7.25'
    >>> saving_in_words("x", 0.001)
    'one more agent-hour on x here saves nothing'
    """
    worth = "nothing" if saves < 0.005 else f"{saves:.2f}"
    return f"one more agent-hour on {queues} here saves {worth}"
