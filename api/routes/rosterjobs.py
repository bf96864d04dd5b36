"""Long work on rosters: solve a draft again, publish it, publish an earlier version again."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.deps import StoreDep
from api.routes.jobs import JobOut, Submitting
from api.routes.rosterwire import DraftId, IfMatch, Reason, revision_in

router = APIRouter(tags=["rosters"])


class ResolveOrder(BaseModel):
    """How to solve a draft again; without `seed` with that of its plan."""

    model_config = ConfigDict(extra="forbid")

    seed: int | None = None
    change_price: float | None = Field(
        default=None, description="of each agent-day that changes; a missing shift costs 80"
    )
    reason: Reason = ""


class PublishOrder(BaseModel):
    """How to put a roster in force; `force` goes over broken rules and wants a reason."""

    model_config = ConfigDict(extra="forbid")

    force: bool = False
    reason: Reason = ""
    replications: int = 200


@router.post("/drafts/{draft_id}/resolve", status_code=202)
def resolve_draft(
    draft_id: DraftId,
    order: ResolveOrder,
    store: StoreDep,
    submit: Submitting,
    if_match: IfMatch = None,
) -> JobOut:
    """Submit a job that solves the draft again near what it is; its address is in `Location`."""
    from api.planning import drafts, resolving  # late: loads the planning libraries

    revision = revision_in(if_match, draft_id)
    drafts.check_open(drafts.load_draft(store, draft_id), revision)
    wanted = resolving.ResolveRequest(
        draft_id,
        revision,
        order.seed,
        resolving.CHANGE_PRICE if order.change_price is None else order.change_price,
        order.reason,
    )
    return submit("resolve", wanted.to_document())


@router.post("/drafts/{draft_id}/publish", status_code=202)
def publish_draft(
    draft_id: DraftId,
    order: PublishOrder,
    store: StoreDep,
    submit: Submitting,
    if_match: IfMatch = None,
) -> JobOut:
    """Submit a job that checks, certifies and publishes the draft; its address is in `Location`.

    The job fails with `rule_conflict` where rules are broken and nobody forces it, and with
    `conflict` where another plan of its days was published since the draft was opened.
    """
    from api.planning import drafts, publishing

    revision = revision_in(if_match, draft_id)
    drafts.check_open(drafts.load_draft(store, draft_id), revision)
    wanted = publishing.PublishRequest(revision, order.force, order.reason, order.replications)
    return submit("publish_draft", {"draft_id": draft_id, **wanted.to_document()})


@router.post("/plans/{which}/republish", status_code=202)
def republish_plan(which: str, order: PublishOrder, store: StoreDep, submit: Submitting) -> JobOut:
    """Submit a job that puts an earlier version in force again; its address is in `Location`."""
    from api.planning import publishing, records

    plan = records.load_plan(store, records.which_plan(which))
    publishing.check_superseded(plan)
    wanted = publishing.PublishRequest(None, order.force, order.reason, order.replications)
    return submit("republish", {"plan_id": plan.plan_id, **wanted.to_document()})
