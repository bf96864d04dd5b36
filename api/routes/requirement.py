"""Why a plan needs its agents, and what another promise would cost."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from api.auth import Caller, require
from api.deps import Moment, StoreDep

router = APIRouter(prefix="/requirement", tags=["plans"])

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]
PlanName = Annotated[str, Query(description="an id, latest or current")]


class RelaxationOut(BaseModel):
    """A rule one step looser: agents fewer in the interval, agent-hours less over the plan.

    `eases` is the need it makes smaller, empty for all of them.
    """

    model_config = ConfigDict(from_attributes=True)

    what: str
    change: str
    agents_saved: float
    hours_saved: float
    eases: str


class WhyOut(BaseModel):
    """Why an interval needs its agents; `sentence` says all of it.

    `workload`, `first_workload`: erlangs expected. `factor`: the day staffed for over the expected
    one. `needs`: agents that each constraint alone asks for. `attainment` with its P10 (`low`) and
    P90 (`high`) over days: first replies in time; `less`, `more`: with one agent fewer, one more;
    null while the queue is shut.
    """

    model_config = ConfigDict(from_attributes=True)

    queue: str
    start: datetime
    workload: float
    first_workload: float
    factor: float
    needs: dict[str, float]
    binding: str
    agents: int
    agents_exact: float
    attainment: float | None
    low: float | None
    high: float | None
    less: float | None
    more: float | None
    relaxations: list[RelaxationOut]
    sentence: str
    notes: list[str]


class CostOut(BaseModel):
    """A promise and what it takes: agent-hours before shrinkage, and agents at the peak.

    `share`, `threshold_s`: null where the queues differ. `risk_quantile`: null where the share is
    to hold on average over days. What cannot be kept has no figures, and a `reason`.
    """

    model_config = ConfigDict(from_attributes=True)

    share: float | None
    threshold_s: int | None
    risk_quantile: float | None
    hours: float | None
    peak: float | None
    extra_hours: float | None
    reachable: bool
    reason: str


class CostsOut(BaseModel):
    """Costs of promises; `own` is today's, `plan_hours` what the plan needs after rehearsals."""

    plan_id: int
    queue: str | None
    plan_hours: float
    own: CostOut
    items: list[CostOut]


@router.get("/why")
def get_requirement_why(
    queue: str,
    at: Annotated[Moment, Query(description="an instant in the interval")],
    store: StoreDep,
    _caller: Reader,
    plan: PlanName = "current",
) -> WhyOut:
    """The work, what decides, and what each rule one step looser would spare."""
    from api.planning import records, requirements  # late: loads the planning libraries

    found = requirements.explain_interval(store, records.which_plan(plan), queue, at)
    return WhyOut.model_validate(found)


@router.get("/cost")
def get_requirement_cost(
    store: StoreDep,
    _caller: Reader,
    plan: PlanName = "current",
    queue: Annotated[str | None, Query(description="only this queue")] = None,
    share: Annotated[
        list[float] | None, Query(description="of first replies in time; repeat for several")
    ] = None,
    threshold_s: Annotated[
        list[int] | None, Query(description="that they are sent within; repeat for several")
    ] = None,
    risk: Annotated[
        list[str] | None,
        Query(description="quantiles of days to staff for, or expected; repeat for several"),
    ] = None,
) -> CostsOut:
    """What every combination of these would cost over the plan; what is not given stays."""
    from api.planning import records, requirements

    base = requirements.load_base(store, records.which_plan(plan))
    (own,) = requirements.promise_costs_of(base, queue=queue)
    costs = requirements.promise_costs_of(
        base,
        queue=queue,
        shares=share or (),
        thresholds_s=threshold_s or (),
        risks=[requirements.risk_named(one) for one in risk or ()],
    )
    return CostsOut(
        plan_id=base.plan_id,
        queue=queue,
        plan_hours=base.hours(queue),
        own=CostOut.model_validate(own),
        items=[CostOut.model_validate(one) for one in costs],
    )
