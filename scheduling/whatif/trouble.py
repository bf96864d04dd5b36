"""Where a scenario breaks promises: when, of which queues, and what one more person there is worth.

A person on a queue that is behind shortens the trouble by what they answer, whether they come early
in it or late; early they also spare those who would be late first. So an hour of a head is worth
one where all of the trouble still lies ahead, and falls to a half at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from scheduling.editing.ground import EditGround
from scheduling.queueing.erlang import Floats
from scheduling.rostering.need import INTERVAL_H, Flags
from scheduling.whatif.playing import brand_of
from scheduling.whatif.results import Evaluation, RepairKind
from scheduling.whatif.scenario import Scenario
from scheduling.whatif.situation import Situation
from wfm.brands import Brand
from wfm.timegrid import INTERVAL, INTERVAL_S, floor_interval

# How long people are told before, in minutes. A switch is thrown at once. Who is at work hears it
# from the lead on the floor. Who is to stay on settles it with those at home, and who stands by
# has promised to be there within the half-hour. Who is off has to be reached, and to travel.
NOTICE_MIN: dict[RepairKind, int] = {
    "policy": 0,
    "automatic": 0,
    "put_off": 0,
    "breaks": 15,
    "activity": 15,
    "loan": 15,
    "overtime": 30,
    "standby": 30,
    "call_in": 60,
    "tomorrow": 60,
}

HOUR = 4  # intervals, as breach-minutes are counted
HOUR_MIN = 60.0
# Breach-minutes, in all and of an hour, below which nothing is done.
LEAST_MIN = 1.0
LEAST_OF_HOUR = 0.5
# A queue with a smaller part of the worst one's breach-minutes is not in trouble for its own sake.
LEAST_PART = 0.05
# People are looked for over a day at most: the one with most of the trouble.
FOCUS = timedelta(hours=24)
# What waits before the first late reply, or because of the last, matters for so long at most.
MOST_BEFORE = timedelta(hours=1)
MOST_AFTER = timedelta(hours=2)


@dataclass(frozen=True)
class Trouble:
    """What repairs are about.

    brand      with the scenario's promises
    known      from when people act
    start, end from when until when the trouble lasts; a head that comes in between helps
    focus      the part of it, a day at most, that people are looked for: [from, until)
    queues     those in trouble, the worst first
    worth      of a head on a queue, 0 to 1, in the focus and after `known`; (intervals, queues)
    missing_h  hours of work that pile up while it lasts
    """

    ground: EditGround = field(repr=False)
    brand: Brand = field(repr=False)
    known: datetime
    start: datetime
    end: datetime
    focus: tuple[datetime, datetime]
    queues: tuple[str, ...]
    worth: Floats = field(repr=False)
    missing_h: float

    def earliest(self, kind: RepairKind) -> datetime:
        """The first quarter-hour that a repair of the kind can change."""
        return _up(self.known + timedelta(minutes=NOTICE_MIN[kind]))

    @cached_property
    def _sums(self) -> Floats:
        """Hours that a head is worth before each interval, (sets of `EditGround.sets`, intervals
        and one). A head is on one queue at a time: the one where it is worth most.
        """
        served = [self.worth[:, has].max(axis=1, initial=0.0) for has in self.ground.serves]
        sums = np.zeros((len(served), len(self.worth) + 1))
        np.cumsum(np.array(served) * INTERVAL_H, axis=1, out=sums[:, 1:])
        return sums

    def sums_of(self, group: int) -> Floats:
        """Hours that a head of the set is worth before each interval of the horizon."""
        return np.asarray(self._sums[group])

    def hours(self, group: int, start: datetime, end: datetime) -> float:
        """Hours that a head of the set is worth over [start, end)."""
        sums = self._sums[group]
        first, last = (self.place(at) for at in (start, end))
        return float(sums[max(first, last)] - sums[first])

    def place(self, at: datetime) -> int:
        """Number of the interval of the horizon that `at` lies in, within the horizon."""
        return min(max(int((at - self.ground.start) // INTERVAL), 0), len(self.worth))


def trouble_of(situation: Situation, scenario: Scenario, evaluation: Evaluation) -> Trouble | None:
    """The trouble that the scenario makes; where it makes none, that which is there anyway; None
    where every promise is kept, or all is over before anybody can act.
    """
    ground, names = situation.ground, situation.queues
    brand = brand_of(situation.brand, scenario, names)
    known = _known(situation, scenario)
    broken, late = _broken(situation, evaluation, brand, beside=True), True
    if broken.sum() < LEAST_MIN:
        broken, late = _broken(situation, evaluation, brand, beside=False), False
    if broken.sum() < LEAST_MIN:
        return None
    begins = scenario.begins or situation.start
    broken[: situation.place(known)] = 0.0
    lasting = _lasting(broken, brand, situation.place(begins))
    lasting[: situation.place(known)] = False
    minutes = broken.sum(axis=0)
    if not lasting.any():
        return None
    ahead = np.cumsum(broken[::-1], axis=0)[::-1] / np.maximum(broken.sum(axis=0), LEAST_MIN)
    worth = lasting * (0.5 + 0.5 * np.minimum(ahead, 1.0)) * (minutes / minutes.max())
    felt = np.flatnonzero(lasting.any(axis=1))
    first, last = int(felt[0]), int(felt[-1]) + 1
    focus = _focus(worth, first, last)
    worth[: focus[0]], worth[focus[1] :] = 0.0, 0.0
    order = sorted(range(len(names)), key=lambda q: -minutes[q])
    return Trouble(
        ground=ground,
        brand=brand,
        known=known,
        start=ground.start + first * INTERVAL,
        end=ground.start + last * INTERVAL,
        focus=(ground.start + focus[0] * INTERVAL, ground.start + focus[1] * INTERVAL),
        queues=tuple(names[q] for q in order if minutes[q] > LEAST_PART * minutes.max()),
        worth=worth,
        missing_h=_missing(situation, evaluation, lasting, beside=late),
    )


def _known(situation: Situation, scenario: Scenario) -> datetime:
    """When people begin to act: not before it is known, nor in what is past."""
    known = scenario.known_from
    if known is None:
        known = scenario.begins or situation.start
    frozen = situation.ground.frozen_until or situation.start
    return max(known, frozen, situation.start)


def _broken(situation: Situation, evaluation: Evaluation, brand: Brand, *, beside: bool) -> Floats:
    """Breach-minutes of each interval and queue, those of an hour spread evenly over it.

    beside  only those that are not there without the scenario
    """
    table = evaluation.table
    first = situation.place(evaluation.start)
    broken = np.zeros((situation.intervals, len(situation.queues)))
    for q, name in enumerate(situation.queues):
        rows = table[table["queue"] == name]
        share = brand.queue(name).promise.share
        cases, before, after = (
            rows[column].to_numpy(dtype=np.float64)
            for column in ("cases_after", "attainment_before", "attainment_after")
        )
        minutes = _by_hour(cases, after, share)
        if beside:
            usual = rows["cases_before"].to_numpy(dtype=np.float64)
            minutes = np.maximum(minutes - _by_hour(usual, before, share), 0.0)
        minutes[minutes < LEAST_OF_HOUR] = 0.0
        broken[first : first + len(rows), q] = np.repeat(minutes / HOUR, HOUR)[: len(rows)]
    return broken


def _by_hour(cases: Floats, attained: Floats, share: float) -> Floats:
    """Breach-minutes of each hour, see `scheduling.whatif.results.QueueEffect`."""
    judged = np.where(np.isnan(attained), 0.0, cases)
    hours = np.arange(0, len(cases), HOUR)
    all_ = np.add.reduceat(judged, hours)
    kept = np.add.reduceat(judged * np.nan_to_num(attained), hours)
    mean = np.divide(kept, all_, out=np.ones(len(hours)), where=all_ > 0)
    return np.asarray(HOUR_MIN * np.clip(share - mean, 0.0, None) / share)


def _lasting(broken: Floats, brand: Brand, begins: int) -> Flags:
    """When a head more on the queue helps: from before the first late reply, though not before
    the scenario begins, until what came last is due.
    """
    lasting = np.zeros(broken.shape, dtype=np.bool_)
    for q, queue in enumerate(brand.queues):
        within = timedelta(seconds=queue.promise.threshold_s)
        before, after = (int(-(-min(within, m) // INTERVAL)) for m in (MOST_BEFORE, MOST_AFTER))
        for n in np.flatnonzero(broken[:, q] > 0).tolist():
            lasting[max(n - before, min(begins, n)) : n + after + 1, q] = True
    return lasting


def _focus(worth: Floats, first: int, last: int) -> tuple[int, int]:
    """The day of [first, last) that is worth most, all of it where it is no longer."""
    most = int(FOCUS / INTERVAL)
    if last - first <= most:
        return first, last
    sums = np.concatenate([[0.0], worth.sum(axis=1).cumsum()])
    starts = np.arange(first, last - most + 1)
    begins = int(starts[int((sums[starts + most] - sums[starts]).argmax())])
    return begins, begins + most


def _missing(
    situation: Situation, evaluation: Evaluation, lasting: Flags, *, beside: bool
) -> float:
    """Hours of first replies in the largest backlog of each queue while its trouble lasts."""
    table, first = evaluation.table, situation.place(evaluation.start)
    seconds = 0.0
    for q, name in enumerate(situation.queues):
        rows = table[table["queue"] == name]
        waiting = rows["backlog_after"].to_numpy(dtype=np.float64)
        if beside:
            waiting = waiting - rows["backlog_before"].to_numpy(dtype=np.float64)
        during = waiting[lasting[first : first + len(rows), q]]
        work = situation.brand.queue(name).work.first_touch.mean_s
        seconds += max(during.max(initial=0.0), 0.0) * work
    return float(seconds / 3600 / situation.brand.planning.availability)


def _up(at: datetime) -> datetime:
    """The next start of an interval, `at` itself where it is one."""
    floor = floor_interval(at)
    return floor if floor == at else floor + timedelta(seconds=INTERVAL_S)
