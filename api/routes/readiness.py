"""Whether what-ifs are answered at once: the roster in force loaded, compiled, simulated once."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.warming import NOT_HERE, Readiness, Warming

router = APIRouter(prefix="/scenarios", tags=["scenarios"])

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]


class ReadinessOut(BaseModel):
    """How far the roster in force is from being asked about without a wait.

    {"ready": false, "done": 0.3, "stage": "simulating", "plan_id": 12}

    A what-if may be asked at any time; before `ready` it takes as long as what is still to be done.
    """

    model_config = ConfigDict(from_attributes=True)

    ready: bool
    done: float = Field(ge=0, le=1, description="share of the preparation that is done")
    stage: str = Field(description="what is being done, or why nothing is")
    plan_id: int | None = Field(description="of the roster in force; null while there is none")


def _readiness(request: Request) -> Readiness:
    warming = cast("Warming | None", request.app.state.warming)
    return NOT_HERE if warming is None else warming.readiness


@router.get("/readiness")
def scenario_readiness(
    readiness: Annotated[Readiness, Depends(_readiness)], _caller: Reader
) -> ReadinessOut:
    """Whether the first what-if is answered at once; prepared at the start and at each publish."""
    return ReadinessOut.model_validate(readiness)
