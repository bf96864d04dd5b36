"""Merges: two customers' records that are one person, as people decide."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, StoreDep
from api.routes.paging import Limit, page_of
from wfm.customers import merging
from wfm.store import customers
from wfm.store.customers import MergeState

router = APIRouter(prefix="/merges", tags=["customers"])

# Agents see whom they talk to, and note what they learn of them; who is one person with whom, and
# what is forgotten, others decide.
Reader = Annotated[
    Caller, Depends(require("agent", "team-lead", "manager", "queue-engine", "auditor"))
]
Keeper = Annotated[Caller, Depends(require("agent", "team-lead", "manager", "queue-engine"))]
Lead = Annotated[Caller, Depends(require("team-lead", "manager"))]

MergeId = Annotated[int, Path(ge=1, le=MAX_ID)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
After = Annotated[
    int | None, Query(ge=1, le=MAX_ID, description="`next` of the page before: continues after it")
]


class MergeIn(BaseModel):
    """Two records, and why they are one person's."""

    model_config = ConfigDict(extra="forbid")

    one: Id
    other: Id
    evidence: str = Field(min_length=1, max_length=merging.EVIDENCE_MAX)


class MergeOut(BaseModel):
    """Two records that may be one person; `moved` are the authors that confirming it moved."""

    model_config = ConfigDict(from_attributes=True)

    merge_id: int
    kept_id: int
    merged_id: int
    state: MergeState
    evidence: str
    moved: list[int]
    actor: str
    written_at: datetime


class MergePage(BaseModel):
    """Merges by id; `next` continues the list as `after`."""

    items: list[MergeOut]
    next: int | None


@router.get("")
def list_merges(
    store: StoreDep,
    _caller: Reader,
    state: MergeState | None = None,
    customer_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    limit: Limit = 50,
    after: After = None,
) -> MergePage:
    """Merges of customers' records: proposed, decided and undone."""
    with store.reading() as connection:
        found = customers.find_merges(
            connection, state=state, customer_id=customer_id, after=after or 0, limit=limit + 1
        )
    page, following = page_of(found, limit, lambda one: one.merge_id)
    return MergePage(items=[MergeOut.model_validate(one) for one in page], next=following)


@router.post("", status_code=201)
def propose_merge(wanted: MergeIn, store: StoreDep, caller: Keeper) -> MergeOut:
    """Propose that two records are one person; they stay two until it is confirmed."""
    merge = merging.propose(store, wanted.one, wanted.other, wanted.evidence, actor=caller.actor)
    return MergeOut.model_validate(merge)


DECISIONS = {"confirm": merging.confirm, "reject": merging.reject, "undo": merging.undo}


@router.post("/{merge_id}/{decision}")
def decide_merge(
    merge_id: MergeId,
    decision: Literal["confirm", "reject", "undo"],
    store: StoreDep,
    caller: Lead,
) -> MergeOut:
    """Decide on a proposed merge, or undo a confirmed one: what it moved is moved back."""
    return MergeOut.model_validate(DECISIONS[decision](store, merge_id, actor=caller.actor))
