"""Forecasts: make a version, list versions, read their rows and how good they were."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import BrandDep, Moment, StoreDep
from api.routes.accuracy import BackTest, ScoreOut, back_tests, score_lines
from api.routes.adjustments import AdjustmentIn
from api.routes.jobs import JobOut, Submitting
from api.routes.paging import Before, Limit, page_of
from api.routes.tables import plain_rows

if TYPE_CHECKING:
    from api.planning.forecasts import StoredForecast

router = APIRouter(prefix="/forecasts", tags=["forecasts"])

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]


class ForecastOrder(BaseModel):
    """What to forecast; without `start` it begins at the first whole local day after now."""

    model_config = ConfigDict(extra="forbid")

    start: date | None = None
    weeks: int = 2
    queues: list[str] | None = None
    seed: int = 1
    models: list[str] | None = None


class ForecastLine(BaseModel):
    """A version in a list; `plan_id` is the plan that owns it (kind "plan")."""

    model_config = ConfigDict(from_attributes=True)

    forecast_id: int
    kind: str
    start: datetime
    end: datetime
    seed: int
    plan_id: int | None
    queues: list[str]
    contacts: float | None
    made_at: datetime
    actor: str


class ForecastList(BaseModel):
    """Versions, the newest first; `next` continues the list as `before`, and is null at its end."""

    items: list[ForecastLine]
    next: int | None


class ForecastOut(ForecastLine):
    """A version with the model of each queue, what is to be known, and its back-test.

    `adjustments` are those in its rows: of the day it was planned with (kind "plan").
    """

    models: dict[str, str]
    notes: list[str]
    adjustments: list[AdjustmentIn]
    accuracy: list[BackTest]


class ForecastRows(BaseModel):
    """Rows of the intervals that start in [from, to): what is expected and what it is made of."""

    forecast_id: int
    adjustments: list[int] = Field(description="those in force that are in the rows")
    rows: list[dict[str, Any]] = Field(description="one object a row, instants as RFC 3339")


class ForecastAccuracy(BaseModel):
    """How good a version should be, by its back-test, and was, on what came."""

    forecast_id: int
    backtest: list[BackTest]
    handling: list[dict[str, Any]]
    scores: list[ScoreOut]


def _find(store: StoreDep, which: str) -> StoredForecast:
    from api.planning import forecasts  # late: loads the planning libraries

    return forecasts.load(store, forecasts.which_forecast(which))


@router.get("")
def list_forecasts(
    store: StoreDep,
    _caller: Reader,
    limit: Limit = 50,
    before: Before = None,
) -> ForecastList:
    """Versions of all kinds."""
    from api.planning import forecasts

    found = forecasts.listing(store, limit=limit + 1, before=before)
    page, following = page_of(found, limit, lambda version: version.forecast_id)
    return ForecastList(items=[ForecastLine.model_validate(one) for one in page], next=following)


@router.post("", status_code=202)
def order_forecast(
    order: ForecastOrder, store: StoreDep, brand: BrandDep, submit: Submitting
) -> JobOut:
    """Submit a forecasting job; its address is in `Location`, its result names the version."""
    from api.planning import forecasts, records

    for queue in order.queues or ():
        brand.queue(queue)
    wanted = forecasts.ForecastRequest(
        start=order.start or records.default_start(store),
        weeks=order.weeks,
        queues=None if order.queues is None else tuple(order.queues),
        seed=order.seed,
        models=None if order.models is None else tuple(order.models),
    )
    return submit("forecast", wanted.to_document())


@router.get("/{which}")
def get_forecast(which: str, response: Response, store: StoreDep, _caller: Reader) -> ForecastOut:
    """A version by its id, or the `latest` that is no intraday update."""
    version = _find(store, which)
    # A version never changes.
    response.headers["ETag"] = f'"forecast-{version.forecast_id}"'
    line = ForecastLine.model_validate(version)
    return ForecastOut(
        **line.model_dump(),
        models=dict(version.champions),
        notes=list(version.notes),
        adjustments=[AdjustmentIn.model_validate(one) for one in version.adjustments],
        accuracy=back_tests(version.accuracy),
    )


@router.get("/{which}/intervals")
def get_forecast_intervals(
    which: str,
    store: StoreDep,
    _caller: Reader,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Moment | None = None,
    queue: Annotated[list[str] | None, Query(description="repeat to name several")] = None,
    adjusted: Annotated[
        bool, Query(description="with the adjustments in force; else the model's own output")
    ] = True,
) -> ForecastRows:
    """Expected contacts, quantiles, handling time and the parts that add up to the mean."""
    version = _find(store, which)
    if adjusted:
        table, parts = version.adjusted(from_, to, queue)
        active = [one.adjustment_id for one in version.active(queue) if one.adjustment_id]
    else:
        table, parts = version.table(from_, to, queue), version.parts(from_, to, queue)
        active = []
    rows = plain_rows(table.merge(parts, on=["start", "queue"], validate="one_to_one"))
    return ForecastRows(forecast_id=version.forecast_id, adjustments=active, rows=rows)


@router.get("/{which}/accuracy")
def get_forecast_accuracy(which: str, store: StoreDep, _caller: Reader) -> ForecastAccuracy:
    """The version's back-test and, as far as its time has come, its scores on the truth."""
    from api.planning import forecasts
    from wfm.store.documents import to_document

    version = _find(store, which)
    return ForecastAccuracy(
        forecast_id=version.forecast_id,
        backtest=back_tests(version.accuracy),
        handling=to_document(version.aht),
        scores=score_lines(forecasts.scores_of(store, version.forecast_id)),
    )
