"""The rest of today, updated from what has been counted so far."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import StoreDep
from api.routes.tables import plain_rows

router = APIRouter(prefix="/forecasts", tags=["forecasts"])

Reader = Annotated[
    Caller, Depends(require("planner", "manager", "team-lead", "queue-engine", "auditor"))
]


class SpikeOut(BaseModel):
    """A spike that is running: contacts above the forecast since its onset, and still to come."""

    model_config = ConfigDict(from_attributes=True)

    onset: datetime
    ends_at: datetime
    so_far: float
    remaining: float


class QueueTodayOut(BaseModel):
    """How a queue's day goes; `factor` is the next hour's updated mean over its mean before.

    `counted_until` is null when nothing has been counted today: then the forecast stands.
    """

    model_config = ConfigDict(from_attributes=True)

    queue: str
    forecast_id: int = Field(description="the version that is updated")
    counted_until: datetime | None
    seen: float
    expected: float
    factor: float
    rest_before: float
    rest_after: float
    spike: SpikeOut | None
    reason: str


class IntradayOut(BaseModel):
    """The update of every queue, with its rows of the next 24 hours."""

    as_of: datetime
    queues: list[QueueTodayOut]
    notes: list[str]
    rows: list[dict[str, Any]] = Field(description="one object a row, instants as RFC 3339")


@router.get("/intraday")
def intraday_forecast(
    store: StoreDep,
    _caller: Reader,
    queue: Annotated[str | None, Query(description="only this queue")] = None,
) -> IntradayOut:
    """The forecast in force, updated from what was counted today until now."""
    from api.planning.intraday import reforecast_now  # late: loads the planning libraries

    found = reforecast_now(store, queue=queue)
    return IntradayOut(
        as_of=found.as_of,
        queues=[QueueTodayOut.model_validate(one) for one in found.queues],
        notes=list(found.notes),
        rows=plain_rows(found.table),
    )
