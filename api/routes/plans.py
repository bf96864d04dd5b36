"""Plans: make one, look at it, publish it, read its tables."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import Moment, StoreDep
from api.routes.jobs import JobOut, Submitting
from api.routes.paging import Before, Limit, page_of
from api.routes.tables import plain_rows
from wfm.errors import LostEdit
from wfm.store import plans

if TYPE_CHECKING:
    from api.planning.records import StoredPlan

router = APIRouter(prefix="/plans", tags=["plans"])

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]
Planner = Annotated[Caller, Depends(require("planner", "manager"))]


class PlanOrder(BaseModel):
    """What to plan; without `start` the plan begins at the first whole local day after now."""

    model_config = ConfigDict(extra="forbid")

    start: date | None = None
    weeks: int = 4
    seed: int = 1
    replications: int = 200
    models: list[str] | None = None
    publish: bool = False


class PlanLine(BaseModel):
    """A plan in a list."""

    plan_id: int
    state: str
    version: int | None
    start: datetime
    end: datetime
    seed: int
    published_at: datetime | None
    actor: str
    written_at: datetime


class PlanList(BaseModel):
    """Plans, the newest first; `next` continues the list as `before`, and is null at its end."""

    items: list[PlanLine]
    next: int | None


class PlanOut(PlanLine):
    """A plan with its figures, what it was computed from, and its certificate."""

    summary: dict[str, Any]
    inputs: dict[str, Any]
    certificate: dict[str, Any]


class Published(BaseModel):
    """The roster that is now in force."""

    plan_id: int
    version: int


class PlanTable(BaseModel):
    """Rows of one of a plan's tables that start in [from, to)."""

    plan_id: int
    version: int | None
    table: str
    rows: list[dict[str, Any]] = Field(description="one object a row, instants as RFC 3339")


def _etag(plan: StoredPlan) -> str:
    """A plan never changes but in its state."""
    return f'"plan-{plan.plan_id}-{plan.state}"'


def _find(store: StoreDep, which: str) -> StoredPlan:
    from api.planning import records  # late: loads the planning libraries

    return records.load_plan(store, records.which_plan(which))


@router.get("")
def list_plans(
    store: StoreDep,
    _caller: Reader,
    limit: Limit = 50,
    before: Before = None,
) -> PlanList:
    """Plans of all states."""
    with store.reading() as connection:
        found = plans.listing(connection, limit=limit + 1, before=before)
    page, following = page_of(found, limit, lambda row: row.plan_id)
    items = [
        PlanLine(
            plan_id=row.plan_id,
            state=row.state,
            version=row.version,
            start=row.starts_at,
            end=row.ends_at,
            seed=row.seed,
            published_at=row.published_at,
            actor=row.actor,
            written_at=row.written_at,
        )
        for row in page
    ]
    return PlanList(items=items, next=following)


@router.post("", status_code=202)
def order_plan(order: PlanOrder, store: StoreDep, submit: Submitting) -> JobOut:
    """Submit a planning job; its address is in `Location`."""
    from api.planning import records

    wanted = records.PlanRequest(
        start=order.start or records.default_start(store),
        weeks=order.weeks,
        seed=order.seed,
        replications=order.replications,
        models=None if order.models is None else tuple(order.models),
        publish=order.publish,
    )
    return submit("plan", wanted.to_document())


@router.get("/{which}")
def get_plan(which: str, response: Response, store: StoreDep, _caller: Reader) -> PlanOut:
    """A plan by its id, `latest` or `current`: figures, inputs, certificate."""
    plan = _find(store, which)
    response.headers["ETag"] = _etag(plan)
    return PlanOut(
        plan_id=plan.plan_id,
        state=plan.state,
        version=plan.version,
        start=plan.start,
        end=plan.end,
        seed=plan.seed,
        published_at=plan.published_at,
        actor=plan.actor,
        written_at=plan.written_at,
        summary=plan.summary,
        inputs=plan.lineage,
        certificate=plan.certificate_document,
    )


@router.post("/{which}/publish")
def publish_plan(
    which: str,
    store: StoreDep,
    caller: Planner,
    if_match: Annotated[str | None, Header(description="the plan's ETag as it was read")] = None,
) -> Published:
    """Put a draft in force; 412 when `If-Match` names another state than it is in."""
    from api.planning import records

    plan = _find(store, which)
    if if_match is not None and if_match not in ("*", _etag(plan)):
        raise LostEdit(
            f"plan {plan.plan_id} is {plan.state} now; read it again before you publish it",
            plan_id=plan.plan_id,
            state=plan.state,
        )
    version = records.publish(store, plan.plan_id, caller.actor)
    return Published(plan_id=plan.plan_id, version=version)


@router.get("/{which}/{table}")
def get_plan_table(
    which: str,
    table: Literal["forecast", "requirement", "roster", "staffing"],
    store: StoreDep,
    _caller: Reader,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Moment | None = None,
) -> PlanTable:
    """One of the plan's tables, of the whole plan or of [from, to)."""
    plan = _find(store, which)
    frame = getattr(plan, table)(from_, to)
    return PlanTable(
        plan_id=plan.plan_id, version=plan.version, table=table, rows=plain_rows(frame)
    )
