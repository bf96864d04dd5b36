"""Trades of shifts: asked for, judged by rules and coverage, granted or declined."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps import StoreDep
from api.routes.paging import Before, Limit, page_of
from api.routes.rosterwire import (
    ChangeOut,
    JudgementOut,
    Planner,
    Reader,
    Reason,
    changes_out,
    edited_out,
    judgement_out,
)
from api.routes.timeoff import (
    Answer,
    Granted,
    GrantOrder,
    OnRoster,
    RequestId,
    RequestList,
    RequestOut,
)
from wfm.store.requests import RequestState

if TYPE_CHECKING:
    from api.planning.trading import Asked

router = APIRouter(tags=["rosters"])


class TradeOrder(BaseModel):
    """A trade: the agent's shift of `day` for the other's of `other_day`."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str = Field(max_length=80)
    day: date
    other_agent: str = Field(max_length=80)
    other_day: date
    reason: Reason = ""


class TradeGrant(GrantOrder):
    """How to grant a trade; `force` goes over what stands against it, and wants an answer."""

    force: bool = False


class TradeOut(BaseModel):
    """A trade that is asked for, with the verdict of rules and coverage on a roster."""

    request: RequestOut
    allowed: bool
    verdict: str
    changes: list[ChangeOut]
    judgement: JudgementOut


@router.post("/trades", status_code=201)
def ask_trade(
    order: TradeOrder,
    response: Response,
    store: StoreDep,
    caller: Planner,
    on: OnRoster = "current",
) -> TradeOut:
    """Keep a request to trade two shifts, judged by rules and coverage."""
    from api.planning import trading
    from scheduling.editing.edits import Swap

    swap = Swap(order.agent_id, order.day, order.other_agent, order.other_day)
    asked = trading.ask(store, swap, actor=caller.actor, reason=order.reason, which=on)
    response.headers["Location"] = f"/api/v1/trades/{asked.request.request_id}"
    return _trade(asked)


@router.get("/trades")
def list_trades(
    store: StoreDep,
    _caller: Reader,
    state: RequestState | None = None,
    agent_id: str | None = None,
    limit: Limit = 50,
    before: Before = None,
) -> RequestList:
    """Trades that are or were asked for, of all agents or by one."""
    from api.planning import absences, trading

    found = absences.list_requests(
        store,
        kind=trading.KIND,
        state=state,
        agent_id=agent_id,
        limit=limit + 1,
        before=before,
    )
    page, following = page_of(found, limit, lambda one: one.request_id)
    return RequestList(items=[RequestOut.model_validate(one) for one in page], next=following)


@router.get("/trades/{request_id}")
def get_trade(
    request_id: RequestId, store: StoreDep, _caller: Reader, on: OnRoster = "current"
) -> TradeOut:
    """A trade with what it would do to the roster in force, or to another."""
    from api.planning import trading

    return _trade(trading.weigh(store, request_id, on))


@router.post("/trades/{request_id}/grant")
def grant_trade(
    request_id: RequestId, order: TradeGrant, store: StoreDep, caller: Planner
) -> Granted:
    """Make the trade in a draft; 422 where rules or coverage stand against it, without force."""
    from api.planning import trading

    done = trading.grant(
        store,
        request_id,
        actor=caller.actor,
        answer=order.answer,
        draft_id=order.draft_id,
        revision=order.revision,
        force=order.force,
    )
    return Granted(request=RequestOut.model_validate(done.request), edited=edited_out(done.edited))


@router.post("/trades/{request_id}/decline")
def decline_trade(
    request_id: RequestId, order: Answer, store: StoreDep, caller: Planner
) -> RequestOut:
    """Say no to the trade."""
    from api.planning import trading

    done = trading.decline(store, request_id, actor=caller.actor, answer=order.answer)
    return RequestOut.model_validate(done)


@router.post("/trades/{request_id}/withdraw")
def withdraw_trade(
    request_id: RequestId, order: Answer, store: StoreDep, caller: Planner
) -> RequestOut:
    """Take the trade back before it is answered."""
    from api.planning import trading

    done = trading.withdraw(store, request_id, actor=caller.actor, answer=order.answer)
    return RequestOut.model_validate(done)


def _trade(asked: Asked) -> TradeOut:
    return TradeOut(
        request=RequestOut.model_validate(asked.request),
        allowed=asked.trade.allowed,
        verdict=asked.trade.verdict,
        changes=changes_out(asked.trade.changes),
        judgement=judgement_out(asked.trade.judgement),
    )
