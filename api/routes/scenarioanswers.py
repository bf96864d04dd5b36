"""Scenarios as they are answered: what is kept, what it does, what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from api.routes.scenariowire import ScenarioWire
from api.routes.tables import plain_rows

if TYPE_CHECKING:
    from api.planning.whatif.saved import SavedScenario
    from scheduling.whatif.results import Evaluation


class SavedOut(BaseModel):
    """A saved scenario; `url` is where the console shows it. `actor` and `written_at` are of the
    last change.
    """

    scenario_id: int
    plan_id: int
    revision: int
    name: str
    state: str
    scenario: ScenarioWire
    draft_id: int | None
    campaign: str | None
    actor: str
    written_at: datetime
    url: str


class SavedList(BaseModel):
    """Scenarios, the newest first; `next` continues the list as `before`, null at its end."""

    items: list[SavedOut]
    next: int | None


class PeakOut(BaseModel):
    """The largest mean of a figure, and when it stood."""

    model_config = ConfigDict(from_attributes=True)

    value: float
    at: datetime


class EffectOut(BaseModel):
    """What a scenario does to a queue, or to all together (queue "").

    `breach_min_*` are minutes of broken promise, `age_s_*` the open seconds that the oldest message
    has waited; `recovered_at` is null where it does not recover within the window.
    """

    model_config = ConfigDict(from_attributes=True)

    queue: str
    attainment_before: float
    attainment_after: float
    worst_hour_before: float | None
    worst_hour_after: float | None
    backlog_before: PeakOut
    backlog_after: PeakOut
    age_s_before: PeakOut
    age_s_after: PeakOut
    breach_min_before: float
    breach_min_after: float
    late_before: float
    late_after: float
    recovered_at: datetime | None


class EvaluationOut(BaseModel):
    """The roster without and with a scenario, on the same sampled days of [start, end).

    `effects` has all queues together first, then each. `rows`, where they are asked for, has the
    curves by interval and queue: cases, attainment, backlog, age_s (each with its P10 and P90) and
    occupancy, `_before` and `_after`. `url` is where the console shows a saved scenario.
    """

    scenario: ScenarioWire
    start: datetime
    end: datetime
    reached: list[str]
    effects: list[EffectOut]
    added_contacts: float
    automatic: float
    paid_hours: float
    replications: int
    seed: int
    seconds: float
    rows: list[dict[str, Any]] | None
    url: str | None


class ComparedOut(BaseModel):
    """Saved scenarios of one plan, as they were asked for, each with what it does."""

    items: list[SavedOut]
    evaluations: list[EvaluationOut]


class CampaignOut(BaseModel):
    """A campaign that the next forecast takes in; `peak_uplift` 1.0 doubles the volume."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    start: datetime
    end: datetime
    queues: list[str]
    category: str
    peak_uplift: float | None
    rise_min: float
    half_life_min: float


class PromotedOut(BaseModel):
    """The scenario, what it became, and in words what that does not hold of it."""

    scenario: SavedOut
    draft_id: int | None
    campaign: CampaignOut | None
    left_out: list[str]


def url_of(scenario_id: int) -> str:
    """Where the console shows the scenario."""
    return f"/console/whatif?scenario={scenario_id}"


def etag_of(saved: SavedScenario) -> str:
    """A scenario changes with its revision and with nothing else."""
    return f'"scenario-{saved.scenario_id}-{saved.revision}"'


def saved_out(saved: SavedScenario) -> SavedOut:
    values = {name: value for name, value in vars(saved).items() if name != "scenario"}
    return SavedOut(
        **values,
        scenario=ScenarioWire.model_validate(saved.scenario),
        url=url_of(saved.scenario_id),
    )


def evaluation_out(
    evaluation: Evaluation, *, table: bool, scenario_id: int | None = None
) -> EvaluationOut:
    """The answer, with the curves where `table` asks for them."""
    return EvaluationOut(
        scenario=ScenarioWire.model_validate(evaluation.scenario),
        start=evaluation.start,
        end=evaluation.end,
        reached=list(evaluation.reached),
        effects=[EffectOut.model_validate(effect) for effect in evaluation.effects],
        added_contacts=evaluation.added_contacts,
        automatic=evaluation.automatic,
        paid_hours=evaluation.paid_hours,
        replications=evaluation.replications,
        seed=evaluation.seed,
        seconds=evaluation.seconds,
        rows=plain_rows(evaluation.table) if table else None,
        url=None if scenario_id is None else url_of(scenario_id),
    )
