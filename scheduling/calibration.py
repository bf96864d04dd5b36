"""Certificates held against what happened: were the promised bands kept at their stated rate?

Recorded cases are judged as the simulator judges its own. A first response is on time within its
threshold of open time; what arrives outside the service window is due under the opening goal; cases
that still wait past due count as missed; what is not yet due, and what was resolved without a human
reply, is not judged. A unit (a local day or an hour of it) takes the cases that arrived in it.

The band of a certificate spans the sampled days' own shares, each of a day's sampled number of
cases: the chance of a day's counts is in it, so a day that came is held against it as it is. Where
many days keep everything the band ends at 100 %, and more days lie within it than it states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.certificate import DIGITS, Certificate, GoalResult, Series
from scheduling.queueing.erlang import Floats
from scheduling.verdicts import Bools, FirstReplies, OpenTime
from wfm.brands import Brand, Queue
from wfm.frames import INSTANT
from wfm.timegrid import INTERVAL_S

# Share of the days that lie between P10 and P90.
STATED = 0.80

# A day at the edge of what was recorded counts only where so few cases were expected in the part of
# it that nothing tells about: that none of more would have come has a chance below 1 %.
MOST_UNSEEN = 5.0

SCOPES = ("hour", "day")
DAY_S = 86_400.0

# What results can tell of: replies to follow-ups are not recorded one by one.
METRICS = ("first_response", "resolution")

SCORES = (
    "scope", "start", "queue", "metric", "goal", "threshold_s", "share", "expected", "promised",
    "p10", "p90", "cases", "on_time",
)  # fmt: skip

Wholes = NDArray[np.int64]
# By queue and kind ("goal", "opening"): counts of its first promise, and which days they tell of.
_Promises = dict[tuple[str, str], tuple[int, Wholes, Bools]]


@dataclass(frozen=True)
class Recorded:
    """Recorded cases of a queue, epoch seconds.

    received        arrival
    first_response  first human reply, sent; NaN: none
    resolved        NaN: open
    paused_s        open seconds in which a case waited for its customer
    handling_s      active seconds until the first reply was sent; NaN: not known, None: of none
    first, until    the first arrival on record at all, and the instant up to which results tell
    complete        whether what arrived up to `until` is on record without doubt; else a day that
                    reaches beyond it counts if hardly anything is missing
    """

    received: Floats
    first_response: Floats
    resolved: Floats
    paused_s: Floats
    first: float
    until: float
    complete: bool = False
    handling_s: Floats | None = None


@dataclass(frozen=True)
class Calibration:
    """How promises compare with what came.

    table     a row a unit and goal, by time: plan_id, certificate_id, afterwards and SCORES, and
              attained (share of the cases), inside (whether within P10 to P90)
    lines     a row a queue and goal: days (units), cases, promised and attained (over all cases),
              bias (attained less promised, in points), inside (share of the units within the band)
    coverage  share of the units of all queues within their band, to be held against `stated`; None
              without any
    bias      attained less promised over all first responses inside the window, in points
    days      how many local days (of scores by the hour: hours) were scored
    """

    table: pd.DataFrame = field(repr=False)
    lines: pd.DataFrame = field(repr=False)
    coverage: float | None
    bias: float | None
    days: int
    stated: float = STATED


# -- one certificate -----------------------------------------------------------------------------


def score(
    certificate: Certificate, brand: Brand, recorded: Mapping[str, Recorded]
) -> list[dict[str, Any]]:
    """What came in each hour and day that results tell of, beside what was certified for it.

    recorded  by queue; service windows and opening hours are those of the brand today

    Rows with the keys of SCORES, start as a UTC instant. A resolution goal is scored where any
    resolution of its queue is on record. The line of all queues (queue "") stands
    where all that were certified are recorded. threshold_s is 0 where its queues promise different
    ones.
    """
    rows: list[dict[str, Any]] = []
    promises: _Promises = {}
    known = {queue.name: queue for queue in brand.queues}
    for i, goal in enumerate(certificate.goals):
        if goal.queue not in recorded or goal.queue not in known or goal.metric not in METRICS:
            continue
        cases = recorded[goal.queue]
        if goal.metric == "resolution" and not np.isfinite(cases.resolved).any():
            continue  # resolutions are not on record at all
        days = _days_told(certificate, goal.queue, cases)
        counts = _judge(certificate, goal, known[goal.queue], cases)
        rows += _rows(certificate, i, counts, days)
        if goal.metric == "first_response":
            promises.setdefault((goal.queue, goal.goal), (i, counts, days))
    wanted = {(g.queue, g.goal) for g in certificate.goals if g.queue and _is_first(g)}
    if wanted and wanted <= promises.keys():
        counts = np.sum([found[1] for found in promises.values()], axis=0)
        days = np.logical_and.reduce([found[2] for found in promises.values()])
        rows += _rows(certificate, len(certificate.goals) - 1, counts, days)
    return rows


def _is_first(goal: GoalResult) -> bool:
    return goal.metric == "first_response"


def _judge(certificate: Certificate, goal: GoalResult, queue: Queue, cases: Recorded) -> Wholes:
    """Cases in time and cases judged, (intervals, 2), by the interval of arrival."""
    start = certificate.start.timestamp()
    horizon = certificate.end.timestamp() - start
    received = cases.received - start
    inside = (received >= 0) & (received < horizon)
    received, until = received[inside], cases.until - start
    first, ended = cases.first_response[inside] - start, cases.resolved[inside] - start
    clock = OpenTime(queue, certificate.start, certificate.end)
    threshold = float(goal.threshold_s or 0)
    # A case that was resolved without a human reply is outside of every denominator.
    counts = np.isfinite(first) | ~np.isfinite(ended)
    if goal.metric == "resolution":
        at = np.where(np.isfinite(ended), ended, until)
        late = clock.before(at) - clock.before(received) - cases.paused_s[inside] > threshold
        judged = counts & (np.isfinite(ended) | late)
    else:
        promise = FirstReplies(clock, received, threshold_s=threshold, opening_s=threshold)
        told, late, _ = promise.judge(first, until)
        judged = counts & told & (promise.is_open == (goal.goal == "goal"))
    interval = (received // INTERVAL_S).astype(np.int64)
    size = int(horizon // INTERVAL_S)
    on_time = np.bincount(interval[judged & ~late], minlength=size)
    return np.stack([on_time, np.bincount(interval[judged], minlength=size)], axis=1)


def _days_told(certificate: Certificate, queue: str, cases: Recorded) -> Bools:
    """Of which of the certificate's days the results of a queue tell."""
    starts = np.array([at.timestamp() for at in certificate.starts["day"]])
    ends = np.append(starts[1:], certificate.end.timestamp())
    at = np.array([one.timestamp() for one in certificate.starts["interval"]])
    expected = _expected(certificate, queue)
    through = np.concatenate([[0.0], np.cumsum(expected)])
    # Expected cases before an instant of the plan.
    edges = np.append(at, certificate.end.timestamp())

    def before(instants: Floats) -> Floats:
        return np.asarray(np.interp(instants, edges, through))

    first = np.full(starts.size, cases.first)
    until = np.full(starts.size, cases.until)
    unseen_before = before(np.clip(first, starts, ends)) - before(starts)
    unseen_after = before(ends) - before(np.clip(until, starts, ends))
    touched = (cases.first < ends) & (cases.until > starts)
    ended = cases.until >= ends
    if not cases.complete:
        ended |= unseen_after <= MOST_UNSEEN
    told: Bools = touched & ended & (unseen_before <= MOST_UNSEEN)
    return told


def _expected(certificate: Certificate, queue: str) -> Floats:
    """Expected cases of a queue by interval, inside its window and outside."""
    seen: dict[str, list[float]] = {}
    for goal, series in zip(certificate.goals, certificate.series, strict=True):
        if goal.queue == queue and _is_first(goal):
            seen.setdefault(goal.goal, series["interval"].cases)
    total = np.zeros(len(certificate.starts["interval"]))
    for cases in seen.values():
        total += np.array(cases)
    return total


def _rows(certificate: Certificate, line: int, counts: Wholes, days: Bools) -> list[dict[str, Any]]:
    """Rows of a line's hours and days that results tell of and in which cases were judged."""
    goal, rows = certificate.goals[line], []
    at = np.array([one.timestamp() for one in certificate.starts["interval"]])
    day_starts = np.array([one.timestamp() for one in certificate.starts["day"]])
    for scope in SCOPES:
        starts = certificate.starts[scope]
        firsts = np.searchsorted(at, [one.timestamp() for one in starts])
        sums = np.add.reduceat(counts, firsts, axis=0)
        day = np.searchsorted(day_starts, at[firsts], side="right") - 1
        series: Series = certificate.series[line][scope]
        for i in np.flatnonzero(days[day] & (sums[:, 1] > 0)).tolist():
            promised, p10, p90 = series.attainment[i], series.p10[i], series.p90[i]
            if promised is None or p10 is None or p90 is None:
                continue
            rows.append(
                {
                    "scope": scope,
                    "start": starts[i],
                    "queue": goal.queue,
                    "metric": goal.metric,
                    "goal": goal.goal,
                    "threshold_s": goal.threshold_s or 0,
                    "share": goal.share,
                    "expected": series.cases[i],
                    "promised": promised,
                    "p10": p10,
                    "p90": p90,
                    "cases": int(sums[i, 1]),
                    "on_time": int(sums[i, 0]),
                }
            )
    return rows


# -- many certificates ---------------------------------------------------------------------------

_TABLE = {
    "plan_id": "int64",
    "certificate_id": "int64",
    "afterwards": "bool",
    "scope": "str",
    "start": INSTANT,
    "queue": "str",
    "metric": "str",
    "goal": "str",
    "threshold_s": "int64",
    "share": "float64",
    "expected": "float64",
    "promised": "float64",
    "p10": "float64",
    "p90": "float64",
    "cases": "int64",
    "on_time": "int64",
}
_LINE = ["queue", "metric", "goal", "threshold_s"]
_LINE_COLUMNS = [*_LINE, "share", "days", "cases", "promised", "attained", "bias", "inside"]


def calibrate(rows: Iterable[Mapping[str, Any]]) -> Calibration:
    """Scores of one scope, of any certificates, as one picture of how far promises can be believed.

    rows  with the keys of SCORES, plan_id, certificate_id, and afterwards: whether the plan was
          published when the day was over
    """
    table = pd.DataFrame(list(rows), columns=list(_TABLE)).astype(_TABLE)
    attained = (table["on_time"] / table["cases"]).round(DIGITS).astype("float64")
    # Bands are kept to as many digits.
    inside = (attained >= table["p10"]) & (attained <= table["p90"])
    table = table.assign(attained=attained, inside=inside.astype("bool"))
    lines = [_line(key, rows) for key, rows in table.groupby(_LINE, sort=True)]
    of_queues = table[table["queue"] != ""]
    first = of_queues[(of_queues["metric"] == "first_response") & (of_queues["goal"] == "goal")]
    first = first[~first.duplicated(["certificate_id", "start", "queue"])]
    return Calibration(
        table=table.sort_values(["start", *_LINE], ignore_index=True),
        lines=pd.DataFrame(lines, columns=_LINE_COLUMNS),
        coverage=float(of_queues["inside"].mean()) if len(of_queues) else None,
        bias=_bias(first) if len(first) else None,
        days=int(table["start"].nunique()),
    )


def _bias(rows: pd.DataFrame) -> float:
    """Attained less promised over the cases that came, in points."""
    promised = float(np.average(rows["promised"], weights=rows["cases"]))
    return 100.0 * (float(rows["on_time"].sum() / rows["cases"].sum()) - promised)


def _line(key: object, rows: pd.DataFrame) -> dict[str, Any]:
    names = dict(zip(_LINE, key, strict=True)) if isinstance(key, tuple) else {}
    return names | {
        "share": float(rows["share"].iloc[-1]),
        "days": len(rows),
        "cases": int(rows["cases"].sum()),
        "promised": float(np.average(rows["promised"], weights=rows["cases"])),
        "attained": float(rows["on_time"].sum() / rows["cases"].sum()),
        "bias": _bias(rows),
        "inside": float(rows["inside"].mean()),
    }
