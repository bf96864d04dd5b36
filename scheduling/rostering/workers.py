"""Agents as the engine reads them: the shifts they may take, what each costs, the rules in force,
and what their days before the horizon leave to them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

import numpy as np
import pandas as pd

from scheduling.rostering.law import Past, Rules
from scheduling.rostering.need import INTERVAL_H, Floats, Ints, Prices, SkillGroups, interval_of
from scheduling.rostering.pasts import pasts_of
from scheduling.rostering.shifts import Shifts, takeable_by_each
from wfm.brands import Brand
from wfm.people import Agent, Contract

ABSENT = frozenset({"time_off", "standby"})
PER_H = round(1 / INTERVAL_H)
SUNDAY = 6
NO_LIMIT = 10**6
# What each wish declined beyond the fair share adds to the weight of the next ones.
HEARD = 0.25


@dataclass(frozen=True)
class Worker:
    """One agent as arrays.

    options  shifts they may take, in order; those of day d are first[d] to first[d + 1]
    costs    of each option: paid hours and wishes, money
    rules    by day, in intervals; None without a contract
    past     what the days before the horizon leave
    wanted   paid intervals wanted at least by the end of a week, less for days not open, by day
    prices   price of paid units beside what is wanted: `wanted` of `problem.Person`
    """

    agent: Agent
    group: int
    options: Ints
    first: Ints
    costs: Floats
    rules: tuple[Rules | None, ...]
    past: Past
    wanted: Floats
    prices: Floats

    def _limit(self, name: str) -> Ints:
        values = [0 if r is None else getattr(r, name) for r in self.rules]
        return np.array([NO_LIMIT if v is None else v for v in values], dtype=np.int64)

    @cached_property
    def max_days(self) -> Ints:
        return self._limit("week_days")

    @cached_property
    def max_paid(self) -> Ints:
        return self._limit("week_paid")

    @cached_property
    def max_weekends(self) -> Ints:
        return self._limit("max_weekends")


def begun_before(history: pd.DataFrame, start: datetime) -> pd.DataFrame:
    """Segments of the shifts in `history` that start before `start`, whole, with `shift_start`."""
    rows = history[~history["activity"].isin(ABSENT)].sort_values(["agent_id", "start"])
    earlier = rows.shift()
    fresh = (
        (rows["agent_id"] != earlier["agent_id"])
        | (rows["start"] != earlier["end"])
        | (rows["template"] != earlier["template"])
    )
    rows = rows.assign(shift_start=rows["start"].groupby(fresh.cumsum()).transform("first"))
    return rows[rows["shift_start"] < start]


def given_heads(
    begun: pd.DataFrame,
    agents: tuple[Agent, ...],
    groups: SkillGroups,
    *,
    start: datetime,
    intervals: int,
) -> Floats:
    """Heads per interval and skill group that shifts begun before `start` still give to it."""
    heads = np.zeros((intervals, len(groups.serves)))
    group = {a.agent_id: int(g) for a, g in zip(agents, groups.of, strict=True)}
    rows = begun[
        (begun["end"] > start)
        & (begun["activity"] == "on_queue")
        & begun["agent_id"].isin(group.keys())
    ]
    firsts = np.maximum(interval_of(rows["start"], start), 0)
    lasts = interval_of(rows["end"], start)
    for agent_id, first, last in zip(rows["agent_id"], firsts, lasts, strict=True):
        heads[first:last, group[agent_id]] += 1.0
    return heads


def workers_of(
    agents: tuple[Agent, ...],
    groups: SkillGroups,
    *,
    shifts: Shifts,
    brand: Brand,
    prices: Prices,
    begun: pd.DataFrame,
    start: datetime,
    without: Collection[str] = (),
    owed: Mapping[str, Mapping[str, float]] | None = None,
) -> list[Worker]:
    """All agents as workers; days without a contract have no options.

    begun    segments of shifts begun before the horizon, of `begun_before`
    without  rules, by their names in `wfm.rules`, that are left out of account
    owed     by agent and kind, as `Ledger.debts`: the wishes of those who had more declined than
             their share weigh more

    DataError when an agent holds a contract that the brand does not know.
    """
    known: dict[object, tuple[Rules | None, ...]] = {}
    pasts = pasts_of(begun, agents, brand, start)
    number = {t.name: n for n, t in enumerate(shifts.templates)}
    found = []
    may = takeable_by_each(agents, shifts, brand)
    contracts = {c.name: c for c in brand.contracts}
    for agent, group, allowed in zip(agents, groups.of.tolist(), may, strict=True):
        options = np.flatnonzero(allowed).astype(np.int64)
        held = [contracts.get(agent.contract_on(d) or "") for d in shifts.days]
        caps = [_limited_week(agent, d) for d in shifts.days]
        key = (tuple(c.name if c else "" for c in held), tuple(caps))
        if key not in known:
            known[key] = tuple(
                None
                if c is None
                else replace(_rules_of(c, cap, number, without), period=c.period_of(day))
                for c, cap, day in zip(held, caps, shifts.days, strict=True)
            )
        wanted = _wanted(agent, held, shifts.days)
        day = shifts.day[options]
        found.append(
            Worker(
                agent=agent,
                group=group,
                options=options,
                first=np.searchsorted(day, np.arange(len(shifts.days) + 1)).astype(np.int64),
                costs=_option_costs(
                    agent, shifts, options, prices, heard=_heard((owed or {}).get(agent.agent_id))
                ),
                rules=known[key],
                past=pasts.get(agent.agent_id, Past()),
                wanted=wanted,
                prices=_prices_of_paid(agent, held, shifts.days, wanted, prices),
            )
        )
    return found


def _intervals_up(hours: float) -> int:
    return math.ceil(hours * PER_H - 1e-9)


def _intervals_down(hours: float) -> int:
    return math.floor(hours * PER_H + 1e-9)


def _limited_week(agent: Agent, day: date) -> float | None:
    """Hours a week that a personal limit allows."""
    hours = [
        limit.hours
        for limit in agent.limits
        if limit.kind == "max_hours_per_week" and limit.holds_on(day)
    ]
    return min(hours, default=None)


def _rules_of(
    contract: Contract, week_h: float | None, number: dict[str, int], without: Collection[str]
) -> Rules:
    """The contract in intervals; rules that are left out do not limit."""

    def kept(rule: str) -> bool:
        return rule not in without

    hours = [contract.max_hours_per_week] if kept("week_hours") else []
    if week_h is not None and kept("limits"):
        hours.append(week_h)
    period = contract.max_hours_per_period
    forbidden = [
        (number[a], number[b])
        for a, b in contract.forbidden_sequences
        if a in number and b in number
    ]
    change = contract.max_start_change_h
    series = contract.rest_after_nights_h > 0 and kept("rest_after_nights")
    return Rules(
        max_run=contract.max_consecutive_days if kept("consecutive_days") else NO_LIMIT,
        min_run=contract.min_consecutive_shifts if kept("consecutive_shifts") else 1,
        min_off=contract.min_consecutive_days_off if kept("days_off") else 1,
        week_days=contract.max_days_per_week if kept("week_days") else None,
        week_paid=_intervals_down(min(hours)) if hours else None,
        period_paid=_intervals_down(period)
        if period is not None and kept("period_hours")
        else None,
        max_nights=contract.max_consecutive_nights if kept("consecutive_nights") else None,
        max_weekends=contract.max_weekends_in_4 if kept("weekends") else None,
        rest=_intervals_up(contract.min_rest_h) if kept("rest") else 0,
        series=contract.nights_in_series if series else 0,
        rest_after=_intervals_up(contract.rest_after_nights_h) if series else 0,
        weekly_rest=_intervals_up(contract.weekly_rest_h) if kept("weekly_rest") else 0,
        caps=tuple((number[t], most) for t, most in contract.max_shifts if t in number)
        if kept("template_shifts")
        else (),
        forbids=frozenset(forbidden) if kept("sequence") else frozenset(),
        start_change=_intervals_down(change)
        if change is not None and kept("start_change")
        else None,
        max_holidays=contract.max_holidays_per_period if kept("holidays") else None,
    )


def _heard(owed: Mapping[str, float] | None) -> float:
    """How much more the wishes of an agent weigh who had wishes declined beyond their share."""
    return 1.0 + HEARD * max(0.0, -(owed or {}).get("declined", 0.0))


def _option_costs(
    agent: Agent, shifts: Shifts, options: Ints, prices: Prices, *, heard: float
) -> Floats:
    costs = prices.of_shift(shifts.paid[options] * INTERVAL_H, shifts.inside[options])
    names = np.array([t.name for t in shifts.templates])[shifts.template[options]]
    day = shifts.day[options]
    preferred = np.zeros(len(options))
    granted = np.zeros(len(options), dtype=np.bool_)
    for wish in agent.preferences:
        on = np.array([wish.holds_on(d) for d in shifts.days])[day]
        price = prices.wish * wish.weight * heard
        if wish.kind == "day_off":
            costs = costs + price * on
        elif wish.kind == "avoid_template":
            costs = costs + price * (on & (names == wish.value))
        else:
            preferred = np.maximum(preferred, price * on)
            granted |= on & (names == wish.value)
    return np.asarray(costs + preferred * ~granted, dtype=np.float64)


def _wanted(agent: Agent, held: list[Contract | None], days: tuple[date, ...]) -> Floats:
    """Paid intervals the contract wants by the last day of each week, less for days not open."""
    wanted = np.zeros(len(days))
    so_far = 0.0
    for n, (day, contract) in enumerate(zip(days, held, strict=True)):
        if contract and not agent.is_off(day):
            so_far += contract.min_hours_per_week * PER_H / 7
        if day.weekday() == SUNDAY or n == len(days) - 1:
            wanted[n] = so_far
            so_far = 0.0
    return wanted


def _prices_of_paid(
    agent: Agent,
    held: list[Contract | None],
    days: tuple[date, ...],
    wanted: Floats,
    prices: Prices,
) -> Floats:
    """What paid units beside those wanted cost, shape (days, 2, 4): see `problem.Person`."""
    table = np.zeros((len(days), 2, 4))
    below, beside = prices.below_minimum * INTERVAL_H, prices.off_target * INTERVAL_H
    table[:, 0, 0] = wanted
    table[wanted > 0, 0, 1] = below
    targets = np.zeros((2, len(days)))
    least = 0.0
    for n, (day, contract) in enumerate(zip(days, held, strict=True)):
        last = n == len(days) - 1
        if contract is None:
            continue
        if not agent.is_off(day):
            if contract.target_hours_per_week is not None:
                targets[0, n] = contract.target_hours_per_week * PER_H / 7
            per_day = PER_H / (7 * contract.period_weeks)
            least += contract.min_hours_per_period * per_day
            if contract.target_hours_per_period is not None:
                targets[1, n] = contract.target_hours_per_period * per_day
        ends = last or contract.period_of(days[n + 1]) != contract.period_of(day)
        if ends and contract.min_hours_per_period > 0:
            table[n, 1, :2] = least, below
        least = 0.0 if ends else least
    for span in (0, 1):
        so_far = 0.0
        for n, (day, contract) in enumerate(zip(days, held, strict=True)):
            so_far += targets[span, n]
            ends = n == len(days) - 1 or (
                day.weekday() == SUNDAY
                if span == 0
                else contract is not None
                and contract.period_of(days[n + 1]) != contract.period_of(day)
            )
            if ends:
                if so_far > 0:
                    table[n, span, 2:] = so_far, beside
                so_far = 0.0
    return table
