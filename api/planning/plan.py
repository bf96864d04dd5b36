"""The heart: `compute_plan`, from what is known to a certified roster. Pure, seeded, no store.

    forecast -> scenario paths -> requirement -> saving -> roster -> staffing -> certificate

The certificate judges the roster. Where a queue's hour falls short in a rehearsal, the requirement
is raised there and the roster made again; the certificate that is kept is simulated on fresh seeds
that no rehearsal has seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from api.planning.versions import version_of
from forecasting.adjust import adjusted
from forecasting.forecast import ForecastResult, make_forecast
from forecasting.scenarios.paths import scenario_paths
from scheduling.certificate import FEW_CASES, Certificate, certify
from scheduling.check import check_roster
from scheduling.doubts import roster_doubts
from scheduling.fairness import Ledger, carried_ledger
from scheduling.requirement import Requirement, make_requirement, repair
from scheduling.roster import RosterOutcome, make_roster
from scheduling.rostering.need import skill_groups
from scheduling.rostering.savings import dearest_hours, savings
from scheduling.saving import Lowered, lower_requirement
from scheduling.simulation.trial import make_trial
from scheduling.staffing import on_shift_of, staffing_of
from wfm.adjustments import Adjustment
from wfm.brands import Brand, Queue
from wfm.campaigns import Campaign
from wfm.marks import Mark
from wfm.people import Agent
from wfm.progress import Progress, silent
from wfm.sla import ServiceGoal
from wfm.store.forecasts import Version
from wfm.timegrid import INTERVAL_S, format_instant

# Goes up when the same inputs would give another plan.
POLICY_VERSION = "4"

# Paths the requirement's risk level is read from.
RISK_PATHS = 200

# A rehearsal is stricter than the promise, by this part of what the promise lets be late: a plan
# tuned to just reach its goal on some seeds falls short on fresh ones (the optimiser's curse).
REHEARSAL_RESERVE = 0.2
REHEARSAL_PATHS = 40
# A search for cheaper shifts asks the same days many times and learns them by heart: it gets as
# many as memory allows.
SAVING_PATHS = (40, 150)
SAVING_CASES = 8_000_000
REHEARSALS = 2

# Each use of randomness has a stream of its own, so that a certificate never sees the days that a
# plan was made on.
STREAMS = {"risk": 1, "rehearsal": 2, "certificate": 3, "saving": 4}

T = TypeVar("T")


@dataclass(frozen=True)
class PlanInputs:
    """All that a plan depends on.

    volumes     VOLUMES before `start`
    history     ROSTER of the weeks before `start`, for rest, series and weekends
    start, end  UTC instants of local midnights
    models      forecasting models to choose from; None: all
    marks       on the past, in any state
    incumbents  by queue, the model that made its last forecast
    adjustments planners', put on the forecast before anything is required
    """

    brand: Brand
    agents: tuple[Agent, ...]
    campaigns: tuple[Campaign, ...]
    volumes: pd.DataFrame = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    start: datetime
    end: datetime
    seed: int
    replications: int = 200
    models: tuple[str, ...] | None = None
    marks: tuple[Mark, ...] = ()
    incumbents: Mapping[str, str] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A computed plan: five tables, a certificate, and the figures that say how good it is.

    version  the forecast it was planned on, adjustments in, as it is to be kept
    proposed  marks on the past that the forecast's cleaning proposes
    lineage  what it was computed from: models, seeds, noise of the paths, policy version
    summary  figures for people: hours, objective, bound, gap, shortfall, violations, stage costs,
             and messages: broken rules, reasons of a shortfall, warnings, notes of the forecast
    """

    start: datetime
    end: datetime
    seed: int
    version: Version = field(repr=False)
    proposed: tuple[Mark, ...] = field(repr=False)
    requirement: pd.DataFrame = field(repr=False)
    roster: pd.DataFrame = field(repr=False)
    staffing: pd.DataFrame = field(repr=False)
    on_shift: pd.DataFrame = field(repr=False)
    certificate: Certificate = field(repr=False)
    lineage: dict[str, Any] = field(repr=False)
    summary: dict[str, Any] = field(repr=False)

    @property
    def forecast(self) -> pd.DataFrame:
        """FORECAST."""
        return self.version.table

    @property
    def messages(self) -> tuple[str, ...]:
        return tuple(self.summary["messages"])


@dataclass
class Stages:
    """Runs the stages of a plan, telling progress and keeping what each cost."""

    progress: Progress
    costs: list[dict[str, Any]] = field(default_factory=list)

    def run(self, name: str, begin: float, end: float, work: Callable[[Progress], T]) -> T:
        self.progress(begin, name)
        wall, cpu = time.perf_counter(), time.process_time()

        def told(done: float, stage: str) -> None:
            self.progress(begin + (end - begin) * done, f"{name}: {stage}" if stage else name)

        result = work(told)
        self.costs.append(
            {
                "stage": name,
                "wall_s": round(time.perf_counter() - wall, 3),
                "cpu_s": round(time.process_time() - cpu, 3),
            }
        )
        return result


def compute_plan(inputs: PlanInputs, progress: Progress = silent) -> Plan:
    """A certified roster for [start, end); the same inputs and seed give the same plan.

    Raises DataError for data that cannot be planned with, GoalOutOfReach for a goal that no number
    of agents keeps. Too few agents is no error: the shortfall is a result, with its reasons.
    """
    stages = Stages(progress)
    brand, start, end = inputs.brand, inputs.start, inputs.end
    ledger = carried_ledger(inputs.history, brand, inputs.agents, until=start)
    forecast = stages.run("Forecast", 0.0, 0.25, partial(_forecast, inputs))
    needed = stages.run("Requirement", 0.25, 0.3, partial(_require, inputs, forecast))
    lowered = stages.run("Saving", 0.3, 0.38, partial(_save, inputs, forecast, needed))
    needed = needed.asking(lowered.table)
    rostered = stages.run("Roster", 0.38, 0.55, partial(_roster, inputs, needed, ledger))
    for again in range(REHEARSALS):
        begin = 0.55 + 0.32 * again / REHEARSALS
        rehearse = partial(_certify, inputs, forecast, rostered, stream="rehearsal")
        rehearsed = stages.run("Rehearsal", begin, begin + 0.04, rehearse)
        mended = repair(needed, rehearsed.judged_hours(), reserve=REHEARSAL_RESERVE)
        if mended is needed:
            break
        needed = mended
        mend = partial(_roster, inputs, needed, ledger)
        rostered = stages.run("Mended roster", begin + 0.04, begin + 0.32 / REHEARSALS, mend)
    judge = partial(_certify, inputs, forecast, rostered, stream="certificate")
    certificate = stages.run("Certificate", 0.87, 0.99, judge)
    violations = check_roster(
        rostered.table, brand, inputs.agents, start=start, end=end, history=inputs.history
    )
    doubts = roster_doubts(
        needed.table, brand, inputs.agents, start=start, end=end, history=inputs.history
    )
    staffing = staffing_of(_on_floor(inputs, rostered), needed.table, brand, inputs.agents)
    progress(1.0, "Plan ready")
    return Plan(
        start=start,
        end=end,
        seed=inputs.seed,
        version=version_of(
            forecast,
            inputs.volumes,
            brand,
            only=inputs.models,
            marks=inputs.marks,
            adjustments=inputs.adjustments,
        ),
        proposed=forecast.marks,
        requirement=needed.table,
        roster=rostered.table,
        staffing=staffing,
        on_shift=on_shift_of(rostered.table, brand, inputs.agents),
        certificate=certificate,
        lineage={
            "policy_version": POLICY_VERSION,
            "seed": inputs.seed,
            "models": dict(forecast.champions),
            "noise": forecast.noise.to_document(),
            "history_from": format_instant(inputs.volumes["start"].min().to_pydatetime()),
            "history_to": format_instant(inputs.volumes["start"].max().to_pydatetime()),
            "risk_quantile": brand.planning.risk_quantile,
        },
        summary={
            **_demand_figures(forecast, needed),
            **_roster_figures(inputs, rostered),
            "saved_hours": round(lowered.hours, 1),
            "savings": _savings(inputs, rostered),
            **certificate_figures(certificate),
            "violations": len(violations),
            "stages": stages.costs,
            "messages": [
                *(f"rule broken: {violation}" for violation in violations),
                *map(str, doubts),
                *rostered.messages,
                lowered.message,
                *needed.warnings,
                *forecast.notes,
            ],
        },
    )


def _savings(inputs: PlanInputs, rostered: RosterOutcome) -> list[dict[str, Any]]:
    """The hours in which one more agent-hour would save most, by the prices of the shift mix."""
    queues = tuple(queue.name for queue in inputs.brand.queues)
    groups = skill_groups(inputs.agents, queues)
    hours = dearest_hours(savings(rostered.cover, groups, queues, inputs.start))
    return [
        {"start": format_instant(start), "queues": served, "saves": saves}
        for start, served, saves in hours
    ]


def seed_of(seed: int, stream: str) -> int:
    """The seed of one use of randomness; see STREAMS."""
    return seed * 10 + STREAMS[stream]


def carried_over(inputs: PlanInputs) -> pd.DataFrame:
    """The segments of the roster before that run into this plan: its last night's agents."""
    known = {agent.agent_id for agent in inputs.agents}
    late = inputs.history["end"] > pd.Timestamp(inputs.start)
    return inputs.history[late & inputs.history["agent_id"].isin(known)]


def _on_floor(inputs: PlanInputs, rostered: RosterOutcome) -> pd.DataFrame:
    """ROSTER of everybody who works in the plan's span: the new roster and what runs into it."""
    return pd.concat([carried_over(inputs), rostered.table], ignore_index=True)


def _forecast(inputs: PlanInputs, told: Progress) -> ForecastResult:
    """The forecast with the planners' adjustments in it."""
    forecast = make_forecast(
        inputs.volumes,
        inputs.brand,
        inputs.campaigns,
        start=inputs.start,
        end=inputs.end,
        seed=inputs.seed,
        models=inputs.models,
        incumbents=inputs.incumbents,
        marks=inputs.marks,
        progress=told,
    )
    table, parts = adjusted(forecast.table, forecast.parts, inputs.adjustments)
    return replace(forecast, table=table, parts=parts)


def _require(inputs: PlanInputs, forecast: ForecastResult, told: Progress) -> Requirement:
    paths = scenario_paths(forecast, count=RISK_PATHS, seed=seed_of(inputs.seed, "risk"))
    return make_requirement(
        forecast.table,
        paths,
        inputs.brand,
        start=inputs.start,
        end=inputs.end,
        progress=told,
    )


def _save(
    inputs: PlanInputs, forecast: ForecastResult, needed: Requirement, told: Progress
) -> Lowered:
    """The requirement that fewer paid hours attain in simulation.

    Follow-ups that nobody made a promise for keep the one they are planned with: else the search
    would leave them for ever.
    """
    brand = replace(inputs.brand, queues=tuple(map(_with_follow_ups, inputs.brand.queues)))
    seed = seed_of(inputs.seed, "saving")
    fewest, most = SAVING_PATHS
    count = int(np.clip(SAVING_CASES / max(forecast.table["mean"].sum(), 1.0), fewest, most))
    return lower_requirement(
        needed.table,
        brand,
        inputs.agents,
        partial(
            make_trial,
            forecast.table,
            scenario_paths(forecast, count=count, seed=seed),
            brand,
            start=inputs.start,
            end=inputs.end,
            seed=seed,
            keep=True,
        ),
        start=inputs.start,
        end=inputs.end,
        seed=seed,
        reserve=REHEARSAL_RESERVE,
        history=inputs.history,
        progress=told,
    )


def _with_follow_ups(queue: Queue) -> Queue:
    if not queue.work.continue_p or any(g.metric != "first_response" for g in queue.goals):
        return queue
    assumed = ServiceGoal("next_reply", queue.follow_up_due_s, queue.promise.share, "hour")
    return replace(queue, goals=(*queue.goals, assumed))


def _roster(
    inputs: PlanInputs, needed: Requirement, ledger: Ledger, told: Progress
) -> RosterOutcome:
    return make_roster(
        needed.table,
        inputs.brand,
        inputs.agents,
        start=inputs.start,
        end=inputs.end,
        seed=inputs.seed,
        history=inputs.history,
        fairness=ledger,
        progress=told,
    )


def _certify(
    inputs: PlanInputs,
    forecast: ForecastResult,
    rostered: RosterOutcome,
    told: Progress,
    *,
    stream: str,
) -> Certificate:
    rehearsing = stream == "rehearsal"
    count = min(REHEARSAL_PATHS, inputs.replications) if rehearsing else inputs.replications
    seed = seed_of(inputs.seed, stream)
    return certify(
        on_shift_of(_on_floor(inputs, rostered), inputs.brand, inputs.agents),
        forecast.table,
        scenario_paths(forecast, count=count, seed=seed),
        inputs.brand,
        start=inputs.start,
        end=inputs.end,
        seed=seed,
        progress=told,
    )


HOURS = INTERVAL_S / 3600


def _demand_figures(forecast: ForecastResult, needed: Requirement) -> dict[str, Any]:
    together = needed.table.groupby("start")[["agents_exact", "workload"]].sum()
    binding = needed.table["binding"].value_counts().sort_index()
    return {
        "contacts": round(float(forecast.table["mean"].sum()), 1),
        "workload_hours": round(float(together["workload"].sum()) * HOURS, 1),
        "required_hours": round(float(together["agents_exact"].sum()) * HOURS, 1),
        "required_peak": round(float(together["agents_exact"].max()), 1),
        "binding": {str(name): int(count) for name, count in binding.items()},
        "accuracy": [
            {
                "queue": line.queue,
                "model": line.model,
                "champion": line.champion,
                "origins": line.origins,
                "wape": line.wape,
                "naive_wape": line.naive.wape,
                "coverage80": line.coverage80,
                "seconds": round(line.seconds, 3),
            }
            for line in forecast.accuracy
            if line.step == "15min"
        ],
    }


def _roster_figures(inputs: PlanInputs, rostered: RosterOutcome) -> dict[str, Any]:
    on_queue = rostered.table[rostered.table["activity"] == "on_queue"]
    worked = (on_queue["end"] - on_queue["start"]).dt.total_seconds().sum() / 3600
    return {
        "agents": len(inputs.agents),
        "agents_rostered": int(rostered.table["agent_id"].nunique()),
        "on_queue_hours": round(float(worked), 1),
        "paid_hours": round(rostered.paid_hours, 1),
        "objective": round(rostered.objective, 2),
        "bound": round(rostered.bound, 2),
        "gap": round(rostered.gap, 4),
        "shortfall_hours": round(rostered.shortfall_hours, 2),
    }


def certificate_figures(certificate: Certificate) -> dict[str, Any]:
    """What a plan's summary says of its certificate."""
    hours = certificate.hours()
    enough = hours[hours["cases"] >= FEW_CASES]
    worst = enough.iloc[int(enough["attainment"].to_numpy().argmin())] if len(enough) else None
    return {
        "attainment": certificate.overall.attainment,
        "worst_hour": None
        if worst is None
        else {
            "queue": str(worst["queue"]),
            "start": format_instant(worst["start"].to_pydatetime()),
            "attainment": round(float(worst["attainment"]), 4),
        },
        "goals_kept": certificate.kept,
    }
