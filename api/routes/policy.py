"""What each queue predicts of its next hour, and what it does about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict

from api.auth import Caller, require
from api.deps import BrandDep, StoreDep
from wfm.casequeue.policysteps import hold_step
from wfm.casequeue.policyview import policies_now

router = APIRouter(prefix="/queues", tags=["queue"])

Lead = Annotated[Caller, Depends(require("team-lead", "manager"))]
Overseer = Annotated[
    Caller, Depends(require("queue-engine", "planner", "manager", "team-lead", "auditor"))
]


class StepOut(BaseModel):
    """A step of the policy: taken `since`, and `held` by people, or left to the prediction."""

    model_config = ConfigDict(from_attributes=True)

    step: int
    action: str
    after_s: int
    since: datetime | None
    held: bool | None
    what: dict[str, Any]


class QuarterOut(BaseModel):
    """First replies due in a quarter-hour, those of them that will be late, and the wait at its
    end (absent where nobody answers)."""

    start: datetime
    due: float
    late: float
    share: float
    waiting: float
    wait_s: int | None
    agents: float


class OutlookOut(BaseModel):
    """The next hour as it was predicted: when the promise breaks, and why, in a sentence."""

    as_of: datetime
    breaks_at: datetime | None
    reason: str
    share: float
    late: float
    due: float
    waiting: int
    late_now: int
    agents: float
    planned: float
    coming: float
    forecast: float | None
    quarters: list[QuarterOut]


class PolicyOut(BaseModel):
    """A queue's policy: what is predicted, since when, and which steps are taken."""

    model_config = ConfigDict(from_attributes=True)

    queue: str
    looked_at: datetime | None
    breaks: bool
    predicted_since: datetime | None
    spike_mode: bool
    put_off_s: int
    steps: list[StepOut]
    outlook: OutlookOut | None


class PoliciesOut(BaseModel):
    as_of: datetime
    queues: list[PolicyOut]


class HoldIn(BaseModel):
    """True: the step stays taken; false: it is not taken; null: the prediction decides."""

    model_config = ConfigDict(extra="forbid")

    on: bool | None


class DoneOut(BaseModel):
    """A step that was taken or taken back at once."""

    model_config = ConfigDict(from_attributes=True)

    queue: str
    step: int
    action: str
    taken: bool
    reason: str


@router.get("/policy")
def list_policies(store: StoreDep, brand: BrandDep, _caller: Overseer) -> PoliciesOut:
    """Every queue's next hour as predicted last, and the steps taken for it."""
    with store.reading() as connection:
        found = policies_now(connection, brand)
    return PoliciesOut(
        as_of=store.clock.now(), queues=[PolicyOut.model_validate(one) for one in found]
    )


@router.put("/{queue}/policy/steps/{step}")
def hold_policy_step(
    queue: str,
    step: Annotated[int, Path(ge=1, le=1000)],
    hold: HoldIn,
    store: StoreDep,
    brand: BrandDep,
    caller: Lead,
) -> list[DoneOut]:
    """Hold a step of the queue's policy by hand, or let the prediction decide again."""
    done = hold_step(store, queue, step, hold.on, brand=brand, actor=caller.actor)
    return [DoneOut.model_validate(one) for one in done]
