"""The rest of today, updated from what has been counted so far."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.routes.tables import plain_rows
from wfm.store import forecasts
from wfm.store.engine import Store
from wfm.store.volumes import last_interval
from wfm.timegrid import floor_interval

if TYPE_CHECKING:
    from api.planning.intraday import IntradayForecast

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
    """The update of every queue, with its rows of the next 24 hours.

    It is made anew each quarter of an hour, and when anything it rests on has changed.
    """

    as_of: datetime
    queues: list[QueueTodayOut]
    notes: list[str]
    rows: list[dict[str, Any]] = Field(description="one object a row, instants as RFC 3339")


class Updates:
    """A store's newest update, held while what it rests on stays as it is.

    Learning takes a second of work: however many ask, and however often, it is done once.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._rests_on: object = None
        self._held: dict[str | None, IntradayForecast] = {}

    def of(self, queue: str | None) -> IntradayForecast:
        """`reforecast_now` of the queue, or of all."""
        from api.planning.intraday import reforecast_now  # late: loads the planning libraries

        with self._lock:
            with self._store.reading() as connection:
                change = forecasts.last_change(connection)
                counted = last_interval(connection)
            rests_on = (floor_interval(self._store.clock.now()), change, counted)
            if rests_on != self._rests_on:
                self._rests_on, self._held = rests_on, {}
            if queue not in self._held:
                self._held[queue] = reforecast_now(self._store, queue=queue)
            return self._held[queue]


def _updates(request: Request) -> Updates:
    """The application's own."""
    return cast(Updates, request.app.state.updates)


@router.get("/intraday")
def intraday_forecast(
    updates: Annotated[Updates, Depends(_updates)],
    _caller: Reader,
    queue: Annotated[str | None, Query(description="only this queue")] = None,
) -> IntradayOut:
    """The forecast in force, updated from what was counted today until now."""
    found = updates.of(queue)
    return IntradayOut(
        as_of=found.as_of,
        queues=[QueueTodayOut.model_validate(one) for one in found.queues],
        notes=list(found.notes),
        rows=plain_rows(found.table),
    )
