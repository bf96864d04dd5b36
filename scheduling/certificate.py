"""The certificate of a named roster: what it attains of every promise, by simulation.

Attainment of an interval, hour or day is the ratio of sums over all paths: replies sent in time
over those sent and those still waiting past due, by the time of arrival. It counts human replies;
the automatic acknowledgement ("any") is not part of it. Beside each figure stand its Monte Carlo
error and the runs at P10 and P90 of the paths.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduling.queueing.erlang import Floats
from scheduling.simulation.attainment import first_response_s, promise_lines, ratio_band
from scheduling.simulation.setting import Line
from scheduling.simulation.simulate import simulate
from scheduling.simulation.state import ON_TIME
from scheduling.simulation.trial import Simulation
from wfm.brands import Brand
from wfm.paths import Paths
from wfm.progress import Progress, part, silent
from wfm.timegrid import format_instant, intervals, local_day, parse_instant

# Fewer expected cases than this in an hour: shown, but not held against the goal.
FEW_CASES = 1.0
DIGITS = 4
SCOPES = ("interval", "hour", "day")
INTERVALS_AN_HOUR = 4
Sums = NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """A line over time, one entry a unit of its scope; None where no path has a case.

    se   standard error of the attainment over the replications
    """

    attainment: list[float | None]
    se: list[float | None]
    p10: list[float | None]
    p90: list[float | None]
    cases: list[float]


@dataclass(frozen=True)
class GoalResult:
    """What a promise was worth.

    queue       "" for the first responses of all queues together, each by its own promise; its
                threshold_s and share are those of the queues where they agree, or None
    goal        "goal", or "opening" for what arrives outside the service window
    attainment  over the whole plan; se, p10, p90 are of the plan's share as well
    worst       start, attainment, se, cases of the worst unit of the goal's scope that has at least
                FEW_CASES expected cases; None when there is none
    units, units_missed, units_small  how many units have cases; how many of them miss the share;
                how many have so few cases that they are not held against the goal
    kept        no unit with enough cases misses the share
    """

    queue: str
    metric: str
    goal: str
    threshold_s: int | None
    share: float | None
    scope: str
    attainment: float | None
    se: float | None
    p10: float | None
    p90: float | None
    cases: float
    worst: dict[str, Any] | None
    units: int
    units_missed: int
    units_small: int
    kept: bool


@dataclass(frozen=True)
class Certificate:
    """The simulated attainment a roster is published with.

    starts    scope -> starts of its units: intervals, hours from `start`, local days
    goals     one result a promise; the last is the line of all queues
    series    as `goals`, scope -> Series
    backlog   queue ("" for all) -> mean and p90 over paths of messages waiting at interval ends
    occupancy of the agents present, per interval; None while nobody is
    first_response_s  queue ("" for all) -> p50 and p90 of the open seconds until a first reply is
              sent; empty in certificates made before it was counted
    overrun_h hours worked after the agents' time on queue was over, mean a path; None before
    """

    start: datetime
    end: datetime
    seed: int
    replications: int
    messages: int
    starts: dict[str, list[datetime]]
    goals: tuple[GoalResult, ...]
    series: tuple[dict[str, Series], ...]
    backlog: dict[str, dict[str, list[float]]]
    occupancy: list[float | None]
    first_response_s: dict[str, dict[str, float | None]] = field(default_factory=dict)
    overrun_h: float | None = None

    @property
    def kept(self) -> bool:
        """Whether every promise of every queue is kept in each of its units."""
        return all(goal.kept for goal in self.goals if goal.queue)

    @property
    def overall(self) -> GoalResult:
        """First responses of all queues."""
        return self.goals[-1]

    def table(self, scope: str = "hour", *, metric: str = "first_response") -> pd.DataFrame:
        """start, queue, goal, share, attainment, se, p10, p90, cases of the lines of a metric.

        Further thresholds of a queue for the same metric are left out; "" is all queues.
        """
        parts, seen = [], set()
        for goal, series in zip(self.goals, self.series, strict=True):
            if goal.metric != metric or (goal.queue, goal.goal) in seen:
                continue
            seen.add((goal.queue, goal.goal))
            frame = pd.DataFrame(
                {
                    "start": pd.DatetimeIndex(self.starts[scope]).as_unit("us"),
                    **{k: np.array(v, float) for k, v in asdict(series[scope]).items()},
                }
            )
            parts.append(
                frame.assign(
                    queue=goal.queue,
                    goal=goal.goal,
                    share=math.nan if goal.share is None else goal.share,
                )
            )
        columns = ["start", "queue", "goal", "share", "attainment", "se", "p10", "p90", "cases"]
        return pd.concat(parts, ignore_index=True)[columns]

    def hours(self) -> pd.DataFrame:
        """First responses inside the window, queue by hour."""
        table = self.table("hour")
        return table[(table["queue"] != "") & (table["goal"] == "goal")].reset_index(drop=True)

    def judged_hours(self) -> pd.DataFrame:
        """What `requirement.repair` reads: start, queue, share, attainment, cases by hour.

        A row an hour and goal that is to hold in every hour or interval: first responses, later
        replies and resolutions; not the opening goal.
        """
        starts = pd.DatetimeIndex(self.starts["hour"]).as_unit("us")
        parts = [
            pd.DataFrame(
                {
                    "start": starts,
                    "queue": goal.queue,
                    "share": goal.share,
                    "attainment": np.array(series["hour"].attainment, float),
                    "cases": series["hour"].cases,
                }
            )
            for goal, series in zip(self.goals, self.series, strict=True)
            if goal.queue and goal.goal == "goal" and goal.scope != "day"
        ]
        columns = {"start": starts[:0], "queue": [], "share": [], "attainment": [], "cases": []}
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns)

    def to_document(self) -> dict[str, Any]:
        """As JSON-able values; `from_document` gives the certificate back."""
        document = asdict(self)
        document["start"], document["end"] = format_instant(self.start), format_instant(self.end)
        document["starts"] = {k: [format_instant(t) for t in v] for k, v in self.starts.items()}
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Certificate:
        """The certificate that `to_document` wrote."""
        given = dict(document)
        given["start"], given["end"] = parse_instant(given["start"]), parse_instant(given["end"])
        given["starts"] = {k: [parse_instant(t) for t in v] for k, v in given["starts"].items()}
        given["goals"] = tuple(GoalResult(**goal) for goal in given["goals"])
        given["series"] = tuple(
            {scope: Series(**one) for scope, one in series.items()} for series in given["series"]
        )
        return cls(**given)

    def describe(self, zone: ZoneInfo | None = None) -> list[str]:
        """The certificate in a few lines for people, times local to `zone` (UTC without one)."""
        head = (
            f"{self.replications} simulated runs, "
            f"on a seed the plan was not made with ({self.seed})"
        )
        return [head, *(_in_words(goal, zone or ZoneInfo("UTC")) for goal in self.goals)]


def _length(seconds: int) -> str:
    """Whole hours as hours, anything else as minutes."""
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds / 60:g} min"


def _in_words(goal: GoalResult, zone: ZoneInfo) -> str:
    whose = goal.queue or "all queues"
    what = goal.metric.replace("_", " ")
    if goal.goal == "opening":
        what += " after opening"
    if goal.threshold_s is not None:
        what += f" in {_length(goal.threshold_s)}"
    if goal.share is not None:
        what += f" for {goal.share:.0%}"
    if goal.attainment is None or goal.p10 is None or goal.p90 is None:
        return f"{whose}, {what}: no cases"
    # Two decimals: near 100 % one would hide what is missing.
    error = "" if goal.se is None else f" ± {goal.se:.2%}"
    band = f"runs P10-P90 {goal.p10:.2%}-{goal.p90:.2%}"
    words = f"{whose}, {what}: {goal.attainment:.2%}{error} ({band})"
    if goal.worst is not None:
        at = parse_instant(goal.worst["start"]).astimezone(zone)
        when = f"{at:%a %d %b}" if goal.scope == "day" else f"{at:%a %d %b %H:%M}"
        words += f", worst {goal.scope} {goal.worst['attainment']:.1%} ({when})"
    if goal.share is None:
        return words
    missed = f"missed in {goal.units_missed} of {goal.units} {goal.scope}s"
    return f"{words}; {'kept' if goal.kept else missed}"


def certify(
    on_shift: pd.DataFrame,
    forecast: pd.DataFrame,
    paths: Paths,
    brand: Brand,
    *,
    start: datetime,
    end: datetime,
    seed: int,
    replications: int | None = None,
    threads: int = 2,
    progress: Progress = silent,
) -> Certificate:
    """Simulates the agents on shift on the paths and judges every promise of the brand.

    Arguments as in `simulate.simulate`. Take another seed than the one the roster was made with.
    """
    simulation = simulate(
        on_shift,
        forecast,
        paths,
        brand,
        start=start,
        end=end,
        seed=seed,
        replications=replications,
        threads=threads,
        progress=part(progress, 0.0, 0.9),
    )
    certificate = judge(simulation, brand, seed=seed)
    progress(1.0, "certificate")
    return certificate


def judge(simulation: Simulation, brand: Brand, *, seed: int) -> Certificate:
    """The certificate of what a simulation of the whole plan counted."""
    begins = list(intervals(simulation.start, simulation.end))
    firsts = first_intervals(simulation.start, simulation.end, brand)
    starts = {scope: [begins[i] for i in firsts[scope]] for scope in SCOPES}
    goals, series = [], []
    together = promise_lines(simulation.lines)
    for i, line in enumerate(simulation.lines):
        result, over_time = _judged(simulation.outcomes[:, :, i, :], starts, firsts, line)
        goals.append(result)
        series.append(over_time)
    summed = simulation.outcomes[:, :, together, :].sum(axis=2, dtype=np.int64)
    result, over_time = _judged(summed, starts, firsts, _joint(simulation.lines, together))
    goals.append(result)
    series.append(over_time)

    backlog = {"": _backlog(simulation.backlog.sum(axis=2))}
    for q, name in enumerate(simulation.queues):
        backlog[name] = _backlog(simulation.backlog[:, :, q])
    busy = simulation.busy_s.sum(axis=(0, 1), dtype=np.float64)
    present = simulation.present_s.sum(axis=0, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        occupancy = np.where(present > 0, busy / present, np.nan)
    return Certificate(
        start=simulation.start,
        end=simulation.end,
        seed=seed,
        replications=simulation.replications,
        messages=simulation.messages,
        starts=starts,
        goals=tuple(goals),
        series=tuple(series),
        backlog=backlog,
        occupancy=_rounded(occupancy),
        first_response_s={
            name: dict(zip(("p50", "p90"), first_response_s(simulation, name), strict=True))
            for name in ("", *simulation.queues)
        },
        overrun_h=round(float(simulation.overrun_s.sum(axis=1).mean()) / 3600.0, 2),
    )


@dataclass(frozen=True)
class JointLine:
    """First responses of all queues; threshold and share where all queues promise the same."""

    threshold_s: int | None
    share: float | None
    queue: str = ""
    metric: str = "first_response"
    goal: str = "goal"
    scope: str = "hour"


def _joint(lines: tuple[Line, ...], together: list[int]) -> JointLine:
    promises = [lines[i] for i in together if lines[i].goal == "goal"]
    thresholds = {line.threshold_s for line in promises}
    shares = {line.share for line in promises}
    return JointLine(
        threshold_s=thresholds.pop() if len(thresholds) == 1 else None,
        share=shares.pop() if len(shares) == 1 else None,
    )


def first_intervals(start: datetime, end: datetime, brand: Brand) -> dict[str, Sums]:
    """Number of the interval that each unit of [start, end) begins with, by scope.

    Hours from `start`, the brand's local days.
    """
    days = [local_day(at, brand.tz) for at in intervals(start, end)]
    return {
        "interval": np.arange(len(days)),
        "hour": np.arange(0, len(days), INTERVALS_AN_HOUR),
        "day": np.array([i for i in range(len(days)) if i == 0 or days[i] != days[i - 1]]),
    }


def _standard_error(on_time: Sums, judged: Sums) -> Floats:
    """Of a ratio of sums over paths (axis 0), by linearisation; NaN with one path or no cases."""
    paths = judged.shape[0]
    total = judged.sum(axis=0)
    if paths < 2:
        return np.full(total.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = on_time.sum(axis=0) / total
        squares = ((on_time - ratio * judged) ** 2).sum(axis=0)
        return np.asarray(np.sqrt(squares * paths / (paths - 1)) / total)


def _judged(
    outcomes: NDArray[np.integer],
    starts: dict[str, list[datetime]],
    firsts: dict[str, NDArray[np.int64]],
    line: JointLine | Line,
) -> tuple[GoalResult, dict[str, Series]]:
    """A line's result and series; outcomes (paths, intervals, 3)."""
    judged_all = outcomes.sum(axis=2, dtype=np.int64)
    on_time_all = outcomes[:, :, ON_TIME].astype(np.int64)
    scope = line.scope
    over_time: dict[str, Series] = {}
    raw: dict[str, tuple[Floats, Floats, Floats]] = {}
    for unit in SCOPES:
        judged = np.add.reduceat(judged_all, firsts[unit], axis=1)
        on_time = np.add.reduceat(on_time_all, firsts[unit], axis=1)
        mean, low, high = ratio_band(on_time, judged)
        error, cases = _standard_error(on_time, judged), judged.mean(axis=0)
        raw[unit] = mean, error, cases
        over_time[unit] = Series(
            _rounded(mean),
            _rounded(error),
            _rounded(low),
            _rounded(high),
            [round(float(x), 2) for x in cases],
        )
    total, own = judged_all.sum(axis=1, keepdims=True), on_time_all.sum(axis=1, keepdims=True)
    overall, p10, p90 = (_rounded(x)[0] for x in ratio_band(own, total))
    mean, error, cases = raw[scope]
    has, enough = cases > 0, cases >= FEW_CASES
    share = line.share
    missed = enough & (mean < share) if share is not None else np.zeros_like(enough)
    worst = None
    if enough.any():
        at = int(np.flatnonzero(enough)[np.argmin(mean[enough])])
        worst = {
            "start": format_instant(starts[scope][at]),
            "attainment": _rounded(mean[[at]])[0],
            "se": _rounded(error[[at]])[0],
            "cases": round(float(cases[at]), 2),
        }
    result = GoalResult(
        queue=line.queue,
        metric=line.metric,
        goal=line.goal,
        threshold_s=line.threshold_s,
        share=share,
        scope=scope,
        attainment=overall,
        se=_rounded(_standard_error(own, total))[0],
        p10=p10,
        p90=p90,
        cases=round(float(judged_all.sum(axis=1).mean()), 2),
        worst=worst,
        units=int(has.sum()),
        units_missed=int(missed.sum()),
        units_small=int((has & ~enough).sum()),
        kept=not missed.any(),
    )
    return result, over_time


def _backlog(waiting: NDArray[np.integer]) -> dict[str, list[float]]:
    """Mean and P90 over paths; waiting (paths, intervals)."""
    return {
        "mean": [round(float(x), 2) for x in waiting.mean(axis=0)],
        "p90": [round(float(x), 1) for x in np.quantile(waiting, 0.90, axis=0)],
    }


def _rounded(values: Floats) -> list[float | None]:
    return [None if math.isnan(x) else round(x, DIGITS) for x in values.tolist()]
