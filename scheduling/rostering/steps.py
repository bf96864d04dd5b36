"""What leads on from a state: a day off, or a shift of a kind, where the rules allow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scheduling.rostering.law import Rules
from scheduling.rostering.menu import Kind
from scheduling.rostering.problem import Flags, Ints
from scheduling.rostering.states import (
    BORNE,
    CAPS,
    DAYS,
    EDGE,
    HOLIDAYS,
    IDLE,
    MONTHLY,
    NIGHTS,
    OFF,
    OWING,
    PERIOD,
    REST,
    RESTED,
    RUN,
    SUNDAY,
    UNRESTED,
    WEEK,
    WEEKENDS,
    Law,
)


def may_rest(law: Law, now: Ints, d: int) -> Flags:
    """States in which day d may be a day off."""
    rules = law.rules[d]
    # A week ends with its Sunday: who worked in it and has not rested must do so by a last shift.
    unrested = (law.days.weekday[d] == SUNDAY) & (now[:, REST] == UNRESTED)
    if rules is None:
        return np.asarray(~unrested)
    short = (now[:, RUN] > 0) & (now[:, RUN] < rules.min_run) & (now[:, EDGE] == 0)
    return np.asarray(~(short | unrested))


def after_off(law: Law, now: Ints, d: int) -> Ints:
    """The states after a day off."""
    after = now.copy()
    after[:, OFF] = np.minimum(now[:, OFF] + 1, law.min_off)
    after[:, [RUN, EDGE]] = 0
    series = law.least_series
    owing = (now[:, NIGHTS] < 0) | ((now[:, NIGHTS] >= series) & (series > 0))
    after[:, NIGHTS] = np.where(owing, OWING, 0)
    return _at_dusk(law, after, d)


def _at_dusk(law: Law, after: Ints, d: int) -> Ints:
    """What nobody asks about any more at the week's end is forgotten."""
    if law.days.weekday[d] == SUNDAY and law.rests_weekly:
        after[after[:, REST] != UNRESTED, REST] = IDLE
    return after


@dataclass(frozen=True)
class Step:
    """A shift that leads on from some states.

    nodes   positions of the states from which it is lawful, and the states after it
    nights  whether it follows on the rest after a series of nights
    weekly  whether it follows on the weekly rest
    """

    nodes: Ints
    after: Ints
    nights: Flags
    weekly: bool


@dataclass
class _Trial:
    """A shift of a kind tried on states: what each rule makes of them, one rule after the other."""

    law: Law
    rules: Rules
    kind: Kind
    d: int
    now: Ints
    after: Ints
    may: Flags
    nights: Flags


def after_shift(law: Law, rules: Rules, now: Ints, kind: Kind, d: int) -> list[Step]:
    """How a shift of the kind on day d leads on; two steps where the week may still be rested."""
    every = np.ones(len(now), dtype=np.bool_)
    trial = _Trial(law, rules, kind, d, now, now.copy(), every, ~every)
    for count in _COUNTED:
        count(trial)
    nodes = np.flatnonzero(trial.may)
    after, nights = trial.after[nodes], trial.nights[nodes]
    if not law.weekly_rest[d]:
        return [Step(nodes, _at_dusk(law, after, d), nights, weekly=False)]
    rested = after[:, REST] == RESTED
    plain = after.copy()
    plain[~rested, REST] = UNRESTED
    fresh = after[~rested].copy()
    fresh[:, REST] = RESTED
    # Sunday is the last chance of the week.
    kept = rested if law.days.weekday[d] == SUNDAY else np.ones(len(nodes), dtype=np.bool_)
    return [
        Step(nodes[kept], _at_dusk(law, plain[kept], d), nights[kept], weekly=False),
        Step(nodes[~rested], _at_dusk(law, fresh, d), nights[~rested], weekly=True),
    ]


def _run(trial: _Trial) -> None:
    run, off = trial.now[:, RUN], trial.now[:, OFF]
    trial.may &= (run < trial.rules.max_run) & ((off == 0) | (off >= trial.rules.min_off))
    trial.after[:, RUN] = run + 1
    trial.after[:, OFF] = 0


def _borne(trial: _Trial) -> None:
    if trial.kind.burden:
        trial.after[:, BORNE] = np.minimum(trial.after[:, BORNE] + 1, trial.law.most_borne)


def _nights(trial: _Trial) -> None:
    if not trial.law.nights:
        return
    rules, night, after = trial.rules, trial.kind.night, trial.after
    before = trial.now[:, NIGHTS]
    if rules.series:
        trial.nights |= (before < 0) | ((before >= rules.series) & (not night))
    after[:, NIGHTS] = np.where(night, np.maximum(before, 0) + 1, 0)
    if rules.max_nights is not None:
        trial.may &= after[:, NIGHTS] <= rules.max_nights
    after[:, NIGHTS] = np.minimum(after[:, NIGHTS], trial.law.most_nights)


def _limited(trial: _Trial, column: int, more: int, most: int | None) -> None:
    """So much more in a column, up to a limit."""
    trial.after[:, column] += more
    if most is not None:
        trial.may &= trial.after[:, column] <= most


def _week(trial: _Trial) -> None:
    if trial.law.week_days:
        _limited(trial, DAYS, 1, trial.rules.week_days)
    if trial.law.week_paid:
        _limited(trial, WEEK, trial.kind.paid, trial.rules.week_paid)


def _period(trial: _Trial) -> None:
    law, rules, kind = trial.law, trial.rules, trial.kind
    if law.period_paid:
        _limited(trial, PERIOD, kind.paid, rules.period_paid)
    if law.holidays and law.days.holiday[trial.d]:
        _limited(trial, HOLIDAYS, 1, rules.max_holidays)
    if kind.cap >= 0:
        _limited(trial, CAPS + kind.cap, 1, dict(rules.caps).get(law.caps[kind.cap]))


def _weekends(trial: _Trial) -> None:
    law, rules = trial.law, trial.rules
    if not law.days.weekend[trial.d]:
        return
    if law.weekends:
        bits = trial.now[:, WEEKENDS]
        worked = (bits >> 1 & 1) + (bits >> 2 & 1) + (bits >> 3 & 1)
        if rules.max_weekends is not None:
            trial.may &= ((bits & 1) == 1) | (worked < rules.max_weekends)
        trial.after[:, WEEKENDS] = bits | 1
    if law.monthly:
        twice = trial.now[:, MONTHLY]
        trial.after[:, MONTHLY] = np.where(twice & 1, twice, twice + 3)
        if rules.period_weekends is not None:
            trial.may &= trial.after[:, MONTHLY] < 2 * rules.period_weekends + 2


# What counts, each a rule or a few alike.
_COUNTED: tuple[Callable[[_Trial], None], ...] = (_run, _borne, _nights, _week, _period, _weekends)
