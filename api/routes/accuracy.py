"""How good forecasts are: back-tests of the newest versions, and scores on what came."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from api.auth import Caller, require
from api.deps import StoreDep
from api.routes.tables import plain_rows

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.scoring.accuracy import Accuracy

router = APIRouter(prefix="/accuracy", tags=["forecasts"])

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]


class Figures(BaseModel):
    """Errors beside what came; null where a figure is not defined.

    `wape`, `bias`: of the contacts that came. `mase`: 1 is as good as last week's counts were.
    `coverage80`, `coverage95`: share within q10-q90 and q025-q975.
    """

    model_config = ConfigDict(from_attributes=True)

    wape: float | None
    bias: float | None
    mase: float | None
    pinball: float | None
    coverage80: float | None
    coverage95: float | None


class BackTest(Figures):
    """A model on a queue, from `origins` rolling origins; `naive` is last week's counts there."""

    queue: str
    model: str
    step: str
    origins: int
    horizon_days: int
    naive: Figures
    champion: bool
    seconds: float


class ScoreOut(Figures):
    """A kept version on the `contacts` that came in `intervals` of a step, `lead_days` ahead."""

    forecast_id: int
    kind: str
    made_at: datetime
    queue: str
    step: str
    lead_days: str
    intervals: int
    contacts: float
    naive_wape: float | None
    naive_bias: float | None
    naive_mase: float | None
    scored_until: datetime


class AccuracyOut(BaseModel):
    """Back-tests of each queue's newest version, and scores of the versions of the last days."""

    backtest: list[BackTest]
    scores: list[ScoreOut]


def back_tests(lines: Iterable[Accuracy]) -> list[BackTest]:
    return [BackTest.model_validate(line) for line in lines]


def score_lines(scores: pd.DataFrame) -> list[ScoreOut]:
    return [ScoreOut.model_validate(row) for row in plain_rows(scores)]


@router.get("")
def get_accuracy(
    store: StoreDep,
    _caller: Reader,
    queue: str | None = None,
    days: Annotated[int, Query(ge=1, le=3660, description="versions made within")] = 28,
) -> AccuracyOut:
    """How good forecasts are, of all queues or one."""
    from api.planning import forecasts  # late: loads the planning libraries

    return AccuracyOut(
        backtest=back_tests(forecasts.newest_accuracy(store, queue)),
        scores=score_lines(forecasts.scores(store, queue=queue, days=days)),
    )
