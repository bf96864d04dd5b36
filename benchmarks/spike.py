"""What saves an unplanned spike: the order of work, or more people, and how soon they come.

    python -m benchmarks.spike [--quick] [--json FILE] [--seed N]

The day of `benchmarks.reference_day`, 4,286 cases, its staff sized for 90 % of first replies within
15 minutes by the lagged load, and nobody to spare. For two hours from 09:30, or from 20:00, three
times as many cases come as planned.

- fifo             as they come
- live             the live queue's order: with one promise, and no follow-ups, the same
- spike mode, r %  from the spike's start on: cases that can still be saved come first, but for the
                   share r of claims that late ones keep
- on call          +100 % or +200 % of the people who are there, from 30 or 60 minutes after the
                   spike's start until four hours after it, with either order; spike mode at 20 %

Rows: spike, added (cases more than planned), policy, day (first replies in time over the day),
bad_intervals (of 96, below 89.5 %), late (replies of the day too late, or not sent at all),
late_min (minutes over the promise of those sent, mean), never (not sent two hours after the day),
extra_h (hours of people on call). The days, and what each of them draws, are the same for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from benchmarks import reference_day as day
from benchmarks.report import arguments, finish
from benchmarks.staffing import BAD_BELOW, seed_of, sized
from scheduling.queueing.erlang import Floats, Wholes
from scheduling.simulation import state
from scheduling.simulation.dispatch import claims_of
from scheduling.simulation.staff import staff_of_heads
from scheduling.simulation.trial import Trial
from scheduling.whatif.scenario import Surge
from wfm.order import LATE_RESERVE
from wfm.timegrid import INTERVAL

COLUMNS = (
    "spike",
    "added",
    "policy",
    "day",
    "bad_intervals",
    "late",
    "late_min",
    "never",
    "extra_h",
)
SPIKES = {"09:30": timedelta(hours=5.5), "20:00": timedelta(hours=16)}
FACTOR, LENGTH_MIN = 3.0, 120
RESERVES = (0.0, 0.1, 0.2, 0.5)
ON_CALL, AFTER_MIN, UNTIL_H = (1.0, 2.0), (30, 60), 4
DAYS, DAYS_QUICK = 800, 100
SEED_OF_SPIKES = 24


@dataclass(frozen=True)
class Answer:
    """What is done about a spike.

    reserve  of claims for late cases in spike mode; None: the queue's usual order
    on_call  people more, in parts of those there, from `after_min` minutes after the spike's start
    """

    policy: str
    fifo: bool = False
    reserve: float | None = None
    on_call: float = 0.0
    after_min: int = 0


def answers() -> Iterator[Answer]:
    """All that is compared."""
    yield Answer("fifo", fifo=True)
    yield Answer("live")
    for reserve in RESERVES:
        yield Answer(f"spike mode, {reserve:.0%}", reserve=reserve)
    for more in ON_CALL:
        for after in AFTER_MIN:
            told = f"+{more:.0%} after {after} min"
            yield Answer(f"{told}, fifo", fifo=True, on_call=more, after_min=after)
            yield Answer(f"{told}, spike mode", reserve=LATE_RESERVE, on_call=more, after_min=after)


def spike_at(since: timedelta) -> Surge:
    """The spike that comes so long after the day's start."""
    return Surge(day.START + since, LENGTH_MIN, factor=FACTOR)


def place_of(surge: Surge) -> slice:
    """The intervals of the day in which it is there."""
    first = int((surge.start - day.START) / INTERVAL)
    return slice(first, first + int(timedelta(minutes=surge.length_min) / INTERVAL))


def spiked(surge: Surge, *, replications: int, seed: int) -> Trial:
    """Sampled days with the spike, which is over as suddenly as it came."""
    mean = day.contacts()
    mean[place_of(surge)] *= surge.factor
    return day.with_rest(day.sampled_days(day.desk(), mean, replications=replications, seed=seed))


def worked_so(trial: Trial, answer: Answer, surge: Surge) -> Trial:
    """The days under the answer's order of work."""
    late_every = trial.dispatch.late_every.copy()
    if answer.reserve is not None:
        late_every[day.BEFORE + place_of(surge).start :] = claims_of(answer.reserve)
    under = trial.under(replace(trial.dispatch, late_every=late_every))
    return replace(under, fifo=answer.fifo)


def on_call(agents: Wholes, answer: Answer, surge: Surge) -> Wholes:
    """People more in each interval of the day."""
    called = np.zeros_like(agents)
    first = place_of(surge).start + int(timedelta(minutes=answer.after_min) / INTERVAL)
    last = place_of(surge).start + int(timedelta(hours=UNTIL_H) / INTERVAL)
    called[first:last] = np.rint(answer.on_call * agents[first:last]).astype(np.int64)
    return called


def row_of(name: str, answer: Answer, trial: Trial, agents: Wholes, surge: Surge) -> dict[str, Any]:
    """What came of an answer to a spike."""
    called = on_call(agents, answer, surge)
    # Who is called comes for this day alone: the days around it have the usual staff.
    heads = day.around(agents)
    heads[day.BEFORE : -day.AFTER] += called
    run = worked_so(trial, answer, surge).run(staff_of_heads(heads[:, None], day.ALONE))
    counts = run.outcomes[:, day.BEFORE : -day.AFTER, 0].sum(axis=0, dtype=np.int64)
    judged = counts.sum(axis=1)
    share: Floats = counts[:, state.ON_TIME] / np.maximum(judged, 1)
    minutes = np.arange(state.REPLY_BINS)
    promised = day.GOAL.threshold_s // 60
    late = run.replies[0] * (minutes >= promised)
    late[-1] = 0  # those not sent
    told = (
        name,
        round(float((surge.factor - 1.0) * day.contacts()[place_of(surge)].sum())),
        answer.policy,
        float(counts[:, state.ON_TIME].sum() / judged.sum()),
        int((share < BAD_BELOW).sum()),
        float((judged - counts[:, state.ON_TIME]).sum() / run.replications),
        float((late * (minutes + 0.5 - promised)).sum() / max(late.sum(), 1)),
        float(counts[:, state.OVERDUE].sum() / run.replications),
        float(called.sum() * day.HOURS),
    )
    return dict(zip(COLUMNS, told, strict=True))


def main() -> None:
    args = arguments(__doc__ or "")
    replications = DAYS_QUICK if args.quick else DAYS
    agents = sized(day.lagged())
    rows = []
    for name, since in SPIKES.items():
        surge = spike_at(since)
        seed = seed_of(args.seed, SEED_OF_SPIKES)
        trial = spiked(surge, replications=replications, seed=seed)
        rows += [row_of(name, answer, trial, agents, surge) for answer in answers()]
    finish(
        "spike", rows, args, replications=replications, planned_h=float(agents.sum() * day.HOURS)
    )


if __name__ == "__main__":
    main()
