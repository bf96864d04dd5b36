"""What the days before a horizon leave to each agent: runs, rest, hours of the week and period."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from scheduling.rostering.law import Past
from scheduling.rostering.need import interval_of
from scheduling.rostering.shifts import STEP_MIN
from scheduling.worked import kinds_of
from wfm.brands import Brand
from wfm.people import Agent
from wfm.timegrid import local_day


def pasts_of(
    begun: pd.DataFrame, agents: tuple[Agent, ...], brand: Brand, start: datetime
) -> dict[str, Past]:
    """What the shifts `begun_before` the horizon leave to each agent who worked any."""
    if begun.empty:
        return {}
    paid = begun["activity"].isin({a.code for a in brand.activities if a.paid})
    lasts = (begun["end"] - begun["start"]).dt.total_seconds().where(paid, 0.0)
    shifts = (
        begun.assign(paid_s=lasts)
        .groupby(["agent_id", "shift_start"], sort=True)
        .agg(end=("end", "max"), template=("template", "first"), paid_s=("paid_s", "sum"))
        .reset_index()
    )
    kinds = kinds_of(
        pd.DatetimeIndex(shifts["shift_start"]), pd.DatetimeIndex(shifts["end"]), brand
    )
    wall = shifts["shift_start"].dt.tz_convert(brand.tz)
    shifts = shifts.assign(
        day=wall.dt.date,
        into_day=(wall.dt.hour * 60 + wall.dt.minute) // STEP_MIN,
        night=kinds[:, 0],
        holiday=kinds[:, 4],
        free_from=interval_of(shifts["end"], start),
    )
    known = {a.agent_id: a for a in agents}
    number = {t.name: n for n, t in enumerate(brand.templates)}
    first = local_day(start, brand.tz)
    return {
        str(agent_id): _past_of(rows, known[str(agent_id)], brand, first, number)
        for agent_id, rows in shifts.groupby("agent_id", sort=True)
        if str(agent_id) in known
    }


def _past_of(
    rows: pd.DataFrame, agent: Agent, brand: Brand, first: date, number: dict[str, int]
) -> Past:
    one_day = timedelta(days=1)
    monday = first - timedelta(days=first.weekday())
    days = set(rows["day"])
    nights = set(rows.loc[rows["night"], "day"])
    final = rows.iloc[-1]
    run = 0
    while first - (run + 1) * one_day in days:
        run += 1
    series = 0
    while final["day"] - series * one_day in nights:
        series += 1
    name = agent.contract_on(first) or agent.contract_on(final["day"])
    contract = next((c for c in brand.contracts if c.name == name), None)
    units = rows["paid_s"].to_numpy() // (STEP_MIN * 60)
    this_week = rows["day"] >= monday
    period, holidays, rested = 0, 0, 0
    caps: tuple[tuple[int, int], ...] = ()
    if contract is not None:
        now = contract.period_of(first)
        same = np.array([contract.period_of(day) == now for day in rows["day"]])
        period = int(units[same].sum())
        holidays = int((rows["holiday"].to_numpy() & same).sum())
        counts = rows.loc[same, "template"].value_counts()
        # Those of every contract: the one in force may change within the period.
        capped = dict.fromkeys(t for c in brand.contracts for t, _ in c.max_shifts if t in number)
        caps = tuple((number[t], int(counts.get(t, 0))) for t in capped)
        gaps = (rows["shift_start"] - rows["end"].shift()).dt.total_seconds() / 3600
        enough = gaps.isna() | (gaps >= contract.weekly_rest_h - 1e-9)
        rested = 2 if (enough & this_week).any() else int(this_week.any())
        if run == 0 and not 0 < contract.nights_in_series <= series:
            series = 0
    weekend_days = brand.weekend

    def weekend(weeks_ago: int) -> int:
        week = monday - timedelta(weeks=weeks_ago)
        return int(any(week + timedelta(days=d) in days for d in weekend_days))

    # A run that ends because time off begins is none that has to go on.
    goes_on = run > 0 and not agent.is_off(first)
    return Past(
        run=run if goes_on else 0,
        off=0 if run else (first - final["day"]).days - 1,
        nights=series if run else (-1 if series else 0),
        week=(len({d for d in days if d >= monday}), int(units[this_week.to_numpy()].sum())),
        period=period,
        holidays=holidays,
        caps=caps,
        free_from=int(rows["free_from"].max()),
        last=(number[final["template"]], int(final["into_day"]))
        if run and final["template"] in number
        else None,
        weekends=sum(weekend(ago) << (ago - 1) for ago in (1, 2, 3)),
        weekend=weekend(0),
        rested=rested,
    )
