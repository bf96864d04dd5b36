"""A brand and a week's plan made of formulas, behind the console's reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from api.console.drafting import Shown
from api.console.views import ForecastView, Now, Piece, PlanView, Tables, Today, VersionView
from api.planning.certificates import StoredCertificate
from forecasting.adjust import adjusted
from forecasting.engine.intervals import LEAD_GROUPS
from forecasting.scenarios.paths import Noise
from forecasting.scoring.accuracy import Accuracy, Score
from scheduling.calibration import Calibration, calibrate
from scheduling.certificate import Certificate, GoalResult, Series
from scheduling.explain import Explanation, Relaxation
from scheduling.promise import Promise, PromiseCost
from wfm.adjustments import Adjustment
from wfm.brands import Brand, Market, Queue
from wfm.calendars import ServiceWindow
from wfm.campaigns import Campaign
from wfm.frames import (
    FORECAST,
    NEEDS,
    ON_SHIFT,
    PARTS,
    QUANTILE_COLUMNS,
    REQUIREMENT,
    ROSTER,
    STAFFING,
    VOLUMES,
    interval_index,
)
from wfm.marks import Mark, MarkState
from wfm.paths import Paths
from wfm.people import (
    Agent,
    BreakRule,
    Contract,
    ContractTerm,
    ShiftTemplate,
    Skill,
    TimeOff,
)
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import marks as mark_rows
from wfm.store.adjustments import StoredAdjustment
from wfm.store.brands import save_brand
from wfm.store.documents import to_document
from wfm.store.drafts import DraftRow
from wfm.store.engine import Store, Writing, open_store
from wfm.store.forecasts import Version
from wfm.store.forecasts import insert as insert_version
from wfm.store.jobs import Job
from wfm.store.people import save_agents
from wfm.store.plans import insert_draft, publish
from wfm.store.tables import volumes as volumes_table
from wfm.store.volumes import last_interval
from wfm.timegrid import FixedClock, format_instant, local_midnight

sys.path.insert(0, str(Path(__file__).parent))

from rehearsaldesk import FakeRehearsing

FIRST = date(2026, 3, 2)
DAYS = 14
QUEUES = (("x", "x"), ("facebook", "facebook"), ("instagram", "instagram"))
STARTS = (6, 9, 14, 22)


def make_brand(zone: str = "Europe/Berlin") -> Brand:
    return Brand(
        name="Northlight",
        zone=zone,
        markets=(Market("germany", "DE", zone),),
        queues=tuple(
            Queue(
                name=name,
                channel=channel,  # type: ignore[arg-type]
                handle=f"@{name}",
                language="en",
                window=ServiceWindow.always(),
                goals=(ServiceGoal.first_response(),),
                opening_goal=OpeningGoal(),
                work=WorkLaw(),
            )
            for name, channel in QUEUES
        ),
        contracts=(
            Contract("full_time", ("full",), 8, 40),
            Contract("part_time", ("full",), 8, 24),
        ),
        templates=(
            ShiftTemplate(
                "full",
                510,
                tuple(h * 60 for h in STARTS),
                (BreakRule("break", 15, 90, 150), BreakRule("meal", 30, 210, 300)),
            ),
        ),
    )


def make_agents(count: int = 24) -> tuple[Agent, ...]:
    return tuple(
        Agent(
            agent_id=f"a{n:03d}",
            name=f"Agent {n:03d}",
            terms=(ContractTerm("full_time" if n % 3 else "part_time", date(2025, 1, 1)),),
            skills=tuple(Skill(name) for name, _ in QUEUES[: 1 + n % len(QUEUES)]),
            time_off=(TimeOff(date(2026, 3, 4), date(2026, 3, 5)),) if n == 5 else (),
        )
        for n in range(count)
    )


def _wave(index: pd.DatetimeIndex) -> Any:
    hour = index.hour + index.minute / 60
    return 6 + 5 * np.sin((hour - 9) / 24 * 2 * np.pi) + 3 * np.exp(-((hour - 18) ** 2) / 4)


def _stacked(index: pd.DatetimeIndex, make: Any) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"start": index, "queue": pd.Series([name] * len(index), dtype="str"), **made})
        for n, (name, _) in enumerate(QUEUES)
        for made in [make(n)]
    ]
    return pd.concat(parts, ignore_index=True)


@cache
def make_history(start: datetime, end: datetime) -> pd.DataFrame:
    index = interval_index(start, end)
    rng = np.random.default_rng(1)

    def make(n: int) -> dict[str, Any]:
        mean = _wave(index) * (1 + n / 2)
        return {"contacts": rng.poisson(mean).astype("int64"), "aht_s": np.full(len(index), 300.0)}

    return VOLUMES.check(_stacked(index, make))


def make_forecast(index: pd.DatetimeIndex) -> pd.DataFrame:
    spread = {"q025": 0.5, "q10": 0.7, "q50": 1, "q80": 1.2, "q90": 1.35, "q95": 1.5, "q975": 1.7}

    def make(n: int) -> dict[str, Any]:
        mean = _wave(index) * (1 + n / 2)
        return {
            "mean": mean,
            **{name: mean * factor for name, factor in spread.items()},
            "aht_s": np.full(len(index), 300.0),
            "model": pd.Series(["profile"] * len(index), dtype="str"),
        }

    return FORECAST.check(_stacked(index, make))


def make_paths(index: pd.DatetimeIndex, count: int = 40) -> Paths:
    rng = np.random.default_rng(2)
    means = np.stack([_wave(index) * (1 + n / 2) for n in range(len(QUEUES))], axis=1)
    counts = rng.poisson(means, size=(count, *means.shape)).astype("int64")
    return Paths(index[0].to_pydatetime(), tuple(name for name, _ in QUEUES), counts)


def make_requirement(index: pd.DatetimeIndex) -> pd.DataFrame:
    def make(n: int) -> dict[str, Any]:
        workload = _wave(index) * (1 + n / 2) / 3
        agents = np.ceil(workload + np.sqrt(workload)).astype("int64")
        binding = np.where(workload < 1.2, "minimum", np.where(workload > 4, "occupancy", "first"))
        return {
            "workload": workload,
            "first_workload": workload / 2,
            "factor": np.full(len(index), 1.1),
            **dict.fromkeys(NEEDS, agents.astype(float)),
            "agents": agents,
            "agents_exact": agents.astype(float),
            "attainment": np.full(len(index), 0.93),
            "attainment_low": np.full(len(index), 0.89),
            "attainment_high": np.full(len(index), 0.96),
            "attainment_less": np.full(len(index), 0.8),
            "attainment_more": np.full(len(index), 0.97),
            "binding": pd.Series(binding, dtype="str"),
        }

    return REQUIREMENT.check(_stacked(index, make))


def make_roster(zone: Any, agents: tuple[Agent, ...]) -> pd.DataFrame:
    rows = []
    for n, agent in enumerate(agents):
        for offset in range(DAYS):
            day = FIRST + timedelta(days=offset)
            if (offset + n) % 7 in (5, 6) or agent.is_off(day):
                continue
            start = local_midnight(day, zone) + timedelta(hours=STARTS[n % len(STARTS)])
            edges = [0, 120, 135, 240, 270, 510]
            for kind, begin, end in zip(
                ("on_queue", "break", "on_queue", "meal", "on_queue"),
                edges,
                edges[1:],
                strict=False,
            ):
                rows.append(
                    {
                        "agent_id": agent.agent_id,
                        "start": start + timedelta(minutes=begin),
                        "end": start + timedelta(minutes=end),
                        "activity": kind,
                        "queue": "",
                        "template": "full",
                        "pinned": False,
                    }
                )
    table = pd.DataFrame(rows)
    for name in ("start", "end"):
        table[name] = table[name].astype("datetime64[us, UTC]")
    for name in ("agent_id", "activity", "queue", "template"):
        table[name] = table[name].astype("str")
    return ROSTER.check(table)


def make_staffing(requirement: pd.DataFrame) -> pd.DataFrame:
    required = requirement["agents"].astype(float)
    scheduled = np.ceil(required / 0.9 + 0.4 * np.sin(np.arange(len(required)) / 20)) * 1.0
    return STAFFING.check(
        pd.DataFrame(
            {
                "start": requirement["start"],
                "queue": requirement["queue"],
                "scheduled": scheduled,
                "effective": scheduled * 0.95,
                "slots": scheduled * 0.95 * 2,
                "required": required,
            }
        )
    )


def make_certificate(start: datetime, end: datetime) -> Certificate:
    """First responses that dip at night; the last queue misses its promise."""
    starts = {
        "interval": list(interval_index(start, end).to_pydatetime()),
        "hour": list(interval_index(start, end)[::4].to_pydatetime()),
        "day": list(interval_index(start, end)[::96].to_pydatetime()),
    }

    def series(n: int, scope: str) -> Series:
        hour = np.array([at.hour for at in starts[scope]])
        wobble = 0.02 * np.sin(np.arange(len(hour)))
        share = (0.95 - 0.07 * np.exp(-((hour - 2) ** 2) / 6) + wobble - 0.005 * n).clip(0, 1)
        return Series(
            share.tolist(),
            [0.01] * len(hour),
            (share - 0.03).tolist(),
            (share + 0.02).clip(0, 1).tolist(),
            (20 + 10 * np.sin(hour / 24 * 2 * np.pi)).tolist(),
        )

    worst = {"start": format_instant(start + timedelta(hours=26)), "attainment": 0.861}
    names = [*(name for name, _ in QUEUES), ""]
    goals = tuple(
        GoalResult(
            queue=name,
            metric="first_response",
            goal="goal",
            threshold_s=900 if name else None,
            share=0.9 if name else None,
            scope="hour",
            attainment=0.934,
            se=0.0012,
            p10=0.91,
            p90=0.955,
            cases=5000.0,
            worst={**worst, "se": 0.01, "cases": 12.0},
            units=len(starts["hour"]),
            units_missed=3 if name == "instagram" else 0,
            units_small=0,
            kept=name != "instagram",
        )
        for name in names
    )
    return Certificate(
        start=start,
        end=end,
        seed=8,
        replications=100,
        messages=100_000,
        starts=starts,
        goals=goals,
        series=tuple({scope: series(n, scope) for scope in starts} for n in range(len(names))),
        backlog={name: {"mean": [1.0], "p90": [2.0]} for name in names},
        occupancy=[0.7] * len(starts["interval"]),
        first_response_s={
            name: {"p50": 201.4, "p90": None if name == "x" else 612.0} for name in names
        },
        overrun_h=3.2,
    )


def make_on_shift(roster: pd.DataFrame, agents: tuple[Agent, ...]) -> pd.DataFrame:
    working = roster[roster["activity"] == "on_queue"]
    queues = {a.agent_id: " ".join(sorted(s.queue for s in a.skills)) for a in agents}
    return ON_SHIFT.check(
        pd.DataFrame(
            {
                "agent_id": working["agent_id"],
                "start": working["start"],
                "end": working["end"],
                "queues": working["agent_id"].map(queues).astype("str"),
                "slots": np.ones(len(working), dtype="int64"),
            }
        )
    )


def save_history(writing: Writing, end: datetime) -> None:
    writing.connection.execute(
        volumes_table.insert(),
        [
            {
                "queue": row.queue,
                "start": row.start.to_pydatetime(),
                "source": "volumes",
                "contacts": int(row.contacts),
                "aht_s": float(row.aht_s),
                "spread": False,
            }
            for row in make_history(end - timedelta(days=28), end).itertuples()
        ],
    )


def keep(store: Store, brand: Brand, agents: tuple[Agent, ...], plan: PlanView) -> int:
    """Write brand, agents, four weeks of history (once) and the plan, as a draft; gives its id."""
    tables = plan.tables
    noise = make_noise(brand.zone, FIRST - timedelta(days=1))
    with store.writing("test") as writing:
        save_brand(writing, brand)
        save_agents(writing, agents)
        if last_interval(writing.connection) is None:
            save_history(writing, plan.start)
        return insert_draft(
            writing,
            start=plan.start,
            end=plan.end,
            seed=plan.seed,
            lineage={"noise": noise.to_document()},
            summary=dict(plan.summary),
            certificate=tables.certificate.to_document(),
            forecast=Version(tables.forecast),
            frames={
                "requirement": tables.requirement,
                "roster": tables.roster,
                "staffing": tables.staffing,
                "on_shift": make_on_shift(tables.roster, agents),
            },
        )


def keep_version(store: Store, brand: Brand, marks: tuple[Mark, ...]) -> int:
    """Write brand, history, a forecast of two weeks and the marks; gives the forecast's id."""
    start = local_midnight(FIRST, brand.tz)
    end = local_midnight(FIRST + timedelta(days=DAYS), brand.tz)
    table = make_forecast(interval_index(start, end))
    names = [name for name, _ in QUEUES]
    with store.writing("test") as writing:
        save_brand(writing, brand)
        save_history(writing, start)
        mark_rows.keep(writing, marks)
        return insert_version(
            writing,
            Version(
                table,
                make_parts(table),
                inputs={"queues": names, "models": dict.fromkeys(names, "blend")},
                accuracy=to_document(make_accuracy()),
                noise=make_noise(brand.zone, FIRST - timedelta(days=1)).to_document(),
            ),
            kind="standing",
            start=start,
            end=end,
            seed=1,
        )


def make_marks() -> tuple[Mark, ...]:
    start = local_midnight(FIRST, ZoneInfo("Europe/Berlin"))
    return (
        Mark(
            "x",
            start - timedelta(hours=30),
            start - timedelta(hours=27),
            "outage",
            contacts=0.0,
            expected=88.0,
            reason="Nothing came for three hours.",
            mark_id=5,
        ),
    )


def make_plan(brand: Brand, agents: tuple[Agent, ...], **changes: Any) -> PlanView:
    start = local_midnight(FIRST, brand.tz)
    end = local_midnight(FIRST + timedelta(days=DAYS), brand.tz)
    index = interval_index(start, end)
    requirement = make_requirement(index)
    certificate = make_certificate(start, end)
    plan = PlanView(
        plan_id=3,
        state="published",
        version=1,
        start=start,
        end=end,
        seed=7,
        summary={
            "paid_hours": 4321.5,
            "shortfall_hours": 12.25,
            "gap": 0.0042,
            "violations": 0,
            "messages": ["Instagram is short of 2 agents on Sat 7 Mar 03:00: no agent is skilled"],
        },
        tables=Tables(
            forecast=make_forecast(index),
            paths=make_paths(index),
            requirement=requirement,
            roster=make_roster(brand.tz, agents),
            staffing=make_staffing(requirement),
            hours=certificate.table("hour"),
            certificate=certificate,
        ),
    )
    return replace(plan, **changes)


def make_parts(table: pd.DataFrame) -> pd.DataFrame:
    """A tenth of each mean is the campaign's, a twentieth is taken by the last days."""
    return PARTS.check(
        table[["start", "queue"]].assign(
            baseline=table["mean"] * 0.95,
            holiday=0.0,
            campaign=table["mean"] * 0.10,
            correction=table["mean"] * -0.05,
        )
    )


def make_noise(zone: str, last_day: date) -> Noise:
    names = [name for name, _ in QUEUES]
    spread = tuple(0.1 + 0.02 * n for n in range(len(LEAD_GROUPS)))
    return Noise(zone, 0.3, dict.fromkeys(names, spread), dict.fromkeys(names, last_day))


def make_accuracy() -> tuple[Accuracy, ...]:
    """Lines of every queue and step: ours a third better than the weekly naive."""
    naive = Score(wape=0.30, bias=0.02, mase=1.0, pinball=0.2, coverage80=0.76, coverage95=0.9)
    return tuple(
        Accuracy(
            queue=name,
            model="blend",
            step=step,
            origins=42,
            horizon_days=14,
            naive=naive,
            champion=True,
            wape=0.2 - 0.05 * n,
            bias=-0.013,
            mase=0.71,
            pinball=0.125,
            coverage80=0.81 - 0.01 * n,
            coverage95=0.955,
        )
        for name, _ in QUEUES
        for n, step in enumerate(("15min", "hour", "day"))
    )


def make_job(job_id: str, actor: str, **changes: Any) -> Job:
    job = Job(
        job_id=job_id,
        kind="forecast",
        state="running",
        request={},
        progress=0.4,
        stage="forecast of x",
        messages=[],
        result=None,
        problem=None,
        submitted_at=datetime(2026, 3, 2, 7, 15, tzinfo=UTC),
        ended_at=None,
        actor=actor,
    )
    return replace(job, **changes)


def make_scores(versions: Sequence[int]) -> pd.DataFrame:
    """The n-th version's error is n points above 20 %."""
    rows = [
        {
            "forecast_id": version,
            "queue": name,
            "step": step,
            "intervals": 672,
            "wape": 0.2 + 0.01 * n,
            "naive_wape": 0.3,
        }
        for n, version in enumerate(versions)
        for name, _ in QUEUES
        for step in ("15min", "hour", "day")
    ]
    columns = ["forecast_id", "queue", "step", "intervals", "wape", "naive_wape"]
    return pd.DataFrame(rows, columns=columns).astype({"queue": "str", "step": "str"})


@cache
def make_forecast_view(version: VersionView, changes: tuple[StoredAdjustment, ...]) -> ForecastView:
    model = make_forecast(interval_index(version.start, version.end))
    table, parts = adjusted(model, make_parts(model), changes)
    return ForecastView(
        version=version,
        whole=Piece(table, make_noise("Europe/Berlin", version.start.date())),
        parts=parts,
        model=model,
        accuracy=make_accuracy(),
        champions={name: "blend" for name, _ in QUEUES},
        notes=("x: rests on 28 days only", "facebook: one spike capped"),
        adjustments=changes,
    )


def make_explanation(table: pd.DataFrame, queue: str, at: datetime) -> Explanation:
    """The row's own figures, and two rules that could be looser."""
    row = table[(table["start"] == pd.Timestamp(at)) & (table["queue"] == queue)].iloc[0]
    return Explanation(
        queue=queue,
        start=at,
        workload=row["workload"],
        first_workload=row["first_workload"],
        factor=row["factor"],
        needs={name.removeprefix("need_"): row[name] for name in NEEDS},
        binding=row["binding"],
        agents=row["agents"],
        agents_exact=row["agents_exact"],
        attainment=row["attainment"],
        low=row["attainment_low"],
        high=row["attainment_high"],
        less=row["attainment_less"],
        more=row["attainment_more"],
        relaxations=(
            Relaxation("occupancy cap", "85 % to 90 %", 1.26, 412.0, "occupancy"),
            Relaxation("time", "first replies within 20 min, not 15", -0.4, 38.2, "first"),
        ),
        sentence=f"{queue} needs {row['agents']} agents.",
        notes=("The brand has changed since.",),
    )


def make_cost(promise: Promise) -> PromiseCost:
    """4,000 hours for 90 %, 40 more for each percent; above 97 % nobody can."""
    share = 0.9 if promise.share is None else promise.share
    threshold_s = promise.threshold_s or 900
    if share > 0.97:
        return PromiseCost(
            share, threshold_s, 0.8, None, None, None, reachable=False, reason="cannot be kept"
        )
    extra = 4_000 * (share - 0.9) - (threshold_s - 900) / 10
    return PromiseCost(share, threshold_s, 0.8, 4_000 + extra, 40 + extra / 100, extra)


def make_kept(plan: PlanView) -> tuple[StoredCertificate, ...]:
    """The plan's own certificate and a later one, the newest first."""
    made = plan.tables.certificate
    return tuple(
        StoredCertificate(
            certificate_id=number,
            plan_id=plan.plan_id,
            seed=made.seed + number,
            replications=made.replications * number,
            made_at=datetime(2026, 3, 1, 10 + number, tzinfo=UTC),
            actor="cli:ann",
            own=number == 1,
            messages=made.messages,
            goals=made.goals,
            store=None,  # type: ignore[arg-type]
        )
        for number in (2, 1)
    )


def make_calibration(plan: PlanView, days: int) -> Calibration:
    """Scores of the plan's first days; what came of every fifth lies below its band."""
    certificate = plan.tables.certificate
    rows = []
    for goal, series in zip(certificate.goals, certificate.series, strict=True):
        own = series["day"]
        for n, start in enumerate(certificate.starts["day"][:days]):
            share = own.p10[n] - 0.02 if n % 5 == 4 else own.attainment[n] + 0.003
            rows.append(
                {
                    "plan_id": plan.plan_id,
                    "certificate_id": 1,
                    "afterwards": False,
                    "scope": "day",
                    "start": start,
                    "queue": goal.queue,
                    "metric": goal.metric,
                    "goal": goal.goal,
                    "threshold_s": goal.threshold_s or 0,
                    "share": goal.share,
                    "expected": own.cases[n],
                    "promised": own.attainment[n],
                    "p10": own.p10[n],
                    "p90": own.p90[n],
                    "cases": 1_000,
                    "on_time": round(1_000 * share),
                }
            )
    return calibrate(rows)


@dataclass
class FakePromises:
    """What the console asks of promises, from formulas; what was asked is kept."""

    plan: PlanView
    came: Calibration = field(default_factory=lambda: calibrate(()))
    asked: list[tuple[str, Promise]] = field(default_factory=list)
    certified: list[tuple[int, str]] = field(default_factory=list)
    error: Exception | None = None

    def explain(self, plan_id: int, queue: str, at: datetime) -> Explanation:
        if self.error is not None:
            raise self.error
        return make_explanation(self.plan.tables.requirement, queue, at)

    def cost(self, plan_id: int, queue: str, promise: Promise) -> PromiseCost:
        if self.error is not None:
            raise self.error
        self.asked.append((queue, promise))
        return make_cost(promise)

    def certificates(self, plan_id: int) -> tuple[StoredCertificate, ...]:
        return make_kept(self.plan)

    def certificate(self, certificate_id: int) -> Certificate:
        own = self.plan.tables.certificate
        return replace(own, replications=own.replications * certificate_id)

    def certify(self, plan_id: int, actor: str) -> str:
        self.certified.append((plan_id, actor))
        return "job-1"

    def calibration(self) -> Calibration:
        return self.came


class NoDrafts:
    """The console's drafts where nobody has opened one."""

    def open_drafts(self) -> tuple[DraftRow, ...]:
        return ()


@dataclass
class FakeViews:
    """The console's reads, from memory; and what planners change, kept there."""

    shown_brand: Brand | None = None
    shown_plan: PlanView | None = None
    shown_agents: tuple[Agent, ...] = ()
    shown_campaigns: tuple[Campaign, ...] = ()
    clock: Now = field(default_factory=lambda: Now(datetime(2026, 3, 2, 7, 15, tzinfo=UTC), True))
    shown_versions: tuple[VersionView, ...] = ()
    shown_today: Today | None = None
    shown_marks: tuple[Mark, ...] = ()
    shown_adjustments: tuple[StoredAdjustment, ...] = ()
    shown_scores: pd.DataFrame = field(default_factory=lambda: make_scores([]))
    jobs: dict[str, Job] = field(default_factory=dict)
    audit: list[tuple[str, str]] = field(default_factory=list)
    promises: FakePromises | None = None
    drafting: NoDrafts = field(default_factory=NoDrafts)
    rehearsing: FakeRehearsing = field(default_factory=FakeRehearsing)

    def now(self) -> Now:
        return self.clock

    def brand(self) -> Brand | None:
        return self.shown_brand

    def plan(self) -> PlanView | None:
        return self.shown_plan

    def shown(self, draft_id: int | None) -> Shown | None:
        assert draft_id is None
        return None if self.shown_plan is None else Shown(self.shown_plan)

    def agents(self) -> tuple[Agent, ...]:
        return self.shown_agents

    def campaigns(self) -> tuple[Campaign, ...]:
        return self.shown_campaigns

    def history(
        self, start: datetime, end: datetime, queues: Collection[str] | None = None
    ) -> pd.DataFrame:
        table = make_history(start, end)
        return table if queues is None else table[table["queue"].isin(list(queues))]

    def versions(self) -> tuple[VersionView, ...]:
        return self.shown_versions

    def forecast(self, version: VersionView) -> ForecastView:
        changes = () if version.kind == "plan" else self.shown_adjustments
        return make_forecast_view(version, changes)

    def piece(self, version: VersionView, start: datetime, end: datetime) -> Piece:
        return Piece(make_forecast(interval_index(start, end)), make_noise("UTC", FIRST))

    def today(self, version: VersionView) -> Today | None:
        return self.shown_today

    def scores(self, days: int) -> pd.DataFrame:
        return self.shown_scores

    def adjustments(self) -> tuple[StoredAdjustment, ...]:
        return self.shown_adjustments

    def adjust(self, adjustment: Adjustment, actor: str) -> int:
        number = len(self.audit) + 1
        self.audit.append(("adjust", actor))
        values = {f.name: getattr(adjustment, f.name) for f in fields(adjustment)}
        kept = StoredAdjustment(**{**values, "adjustment_id": number}, actor=actor)
        self.shown_adjustments += (kept,)
        return number

    def withdraw(self, adjustment_id: int, actor: str) -> None:
        self.audit.append(("withdraw", actor))
        self.shown_adjustments = tuple(
            a for a in self.shown_adjustments if a.adjustment_id != adjustment_id
        )

    def marks(self) -> tuple[Mark, ...]:
        return self.shown_marks

    def mark_effects(self, queues: Collection[str]) -> dict[int, float]:
        own = [m for m in self.shown_marks if m.queue in queues]
        return {m.mark_id: 34.2 if m.in_force else -34.2 for m in own}

    def decide(self, mark_id: int, state: MarkState, actor: str) -> Mark:
        self.audit.append((f"mark {state}", actor))
        self.shown_marks = tuple(
            replace(m, state=state) if m.mark_id == mark_id else m for m in self.shown_marks
        )
        return next(m for m in self.shown_marks if m.mark_id == mark_id)

    def start_forecast(self, weeks: int, actor: str) -> str:
        self.audit.append((f"forecast {weeks}", actor))
        self.jobs["job-1"] = make_job("job-1", actor)
        return "job-1"

    def open_job(self, kind: str) -> str | None:
        return next((j.job_id for j in self.jobs.values() if j.is_open and j.kind == kind), None)

    def job(self, job_id: str) -> Job:
        return self.jobs[job_id]

    def cancel(self, job_id: str, actor: str) -> None:
        self.audit.append(("cancel", actor))
        self.jobs[job_id] = replace(self.jobs[job_id], state="cancelled")


@pytest.fixture(scope="session")
def brand() -> Brand:
    return make_brand()


@pytest.fixture(scope="session")
def agents() -> tuple[Agent, ...]:
    return make_agents()


@pytest.fixture(scope="session")
def plan(brand: Brand, agents: tuple[Agent, ...]) -> PlanView:
    """Two weeks from 2 March 2026, published."""
    return make_plan(brand, agents)


@pytest.fixture
def views(brand: Brand, agents: tuple[Agent, ...], plan: PlanView) -> FakeViews:
    """Reads of a store that holds the published plan."""
    sale = Campaign(
        "Spring sale",
        datetime(2026, 3, 5, 8, tzinfo=UTC),
        datetime(2026, 3, 6, 20, tzinfo=UTC),
        ("x", "instagram"),
    )
    start, now = plan.start, datetime(2026, 3, 2, 7, 15, tzinfo=UTC)
    week = timedelta(days=7)
    names = tuple(name for name, _ in QUEUES)
    return FakeViews(
        brand,
        plan,
        agents,
        (sale,),
        shown_versions=(
            VersionView(3, "standing", names, start, start + 4 * week, now),
            VersionView(2, "plan", names, start, plan.end, now - timedelta(hours=1), plan.plan_id),
            VersionView(1, "standing", names, start - week, start + week, now - week),
        ),
        shown_marks=make_marks(),
        shown_scores=make_scores([1, 2]),
        promises=FakePromises(plan),
    )


@pytest.fixture
def make_came() -> Callable[[PlanView, int], Calibration]:
    """What came of a plan's first days; every fifth lies below its band."""
    return make_calibration


@pytest.fixture
def fill(brand: Brand, agents: tuple[Agent, ...], plan: PlanView) -> Callable[[Store], int]:
    """Writes the brand, its agents and history and the plan as a draft; gives the plan's id."""
    return lambda store: keep(store, brand, agents, plan)


@pytest.fixture(scope="session")
def fill_calm(brand: Brand, agents: tuple[Agent, ...], plan: PlanView) -> Callable[[Store], int]:
    """As `fill`, with so few contacts that the roster keeps its promise; gives the plan's id."""
    few = plan.tables.forecast.copy()
    few[["mean", *QUANTILE_COLUMNS]] *= 0.12
    calm = replace(plan, tables=replace(plan.tables, forecast=few))
    return lambda store: keep(store, brand, agents, calm)


@pytest.fixture(scope="module")
def published(
    tmp_path_factory: pytest.TempPathFactory,
    brand: Brand,
    agents: tuple[Agent, ...],
    plan: PlanView,
) -> Iterator[Store]:
    """A store with the plan in force, on the morning of its first day."""
    url = f"sqlite:///{tmp_path_factory.mktemp('published') / 'store.sqlite'}"
    store = open_store(url, clock=FixedClock(datetime(2026, 3, 2, 7, 15, tzinfo=UTC)))
    plan_id = keep(store, brand, agents, plan)
    with store.writing("test") as writing:
        publish(writing, plan_id)
    yield store
    store.close()


@pytest.fixture
def keep_forecast(brand: Brand) -> Callable[[Store], int]:
    """Writes the brand, its history, a forecast and a mark; gives the forecast's id."""
    return lambda store: keep_version(store, brand, make_marks())


@pytest.fixture
def empty_views() -> FakeViews:
    """Reads of an empty store."""
    return FakeViews()
