"""The stream of events: what happens to cases, queues and agents, as it happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, require
from api.deps import BrandDep, StoreDep
from api.listening import Listener, Listening
from api.routes.cases import Name, QueueOut
from api.routes.policy import PolicyOut
from wfm.brands import Brand
from wfm.casequeue.capacity import queue_overview
from wfm.casequeue.policyview import policies_now
from wfm.casequeue.staffed import staffed_now
from wfm.errors import TryLater
from wfm.store.engine import Store
from wfm.store.queueevents import PRIVATE, Position, Told, position_of

router = APIRouter(tags=["queue"])

Overseer = Annotated[
    Caller, Depends(require("queue-engine", "planner", "manager", "team-lead", "auditor"))
]

# A sign of life, and the position, while nothing happens.
BEAT_S = 10.0
# A stream ends after so long, so that a caller whose key was revoked is asked for a new one; a
# browser comes back by itself.
LASTS_S = 1800
# How long a listener waits for the first word of how far the events are settled.
BEGINS_S = 10.0

_json = TypeAdapter(dict[str, Any])


def listening_of(request: Request) -> Listening:
    """The service's listeners, which `create_app` put on the app."""
    return cast(Listening, request.app.state.listening)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def stream_events(
    request: Request,
    store: StoreDep,
    brand: BrandDep,
    _caller: Overseer,
    queue: Annotated[list[Name] | None, Query(description="only of these queues")] = None,
    kind: Annotated[
        list[Name] | None, Query(description="only kinds that begin so, e.g. `policy.`")
    ] = None,
    after: Annotated[str | None, Query(max_length=60, description="as Last-Event-ID")] = None,
    last_event_id: Annotated[str | None, Header(max_length=60)] = None,
    lasts_s: Annotated[float, Query(ge=0, le=LASTS_S)] = LASTS_S,
) -> StreamingResponse:
    """What happens, as server-sent events; nothing is lost from one connection to the next.

    The first event is a `snapshot` of all queues, unless the position of an event that was read
    before comes with the request (`Last-Event-ID`, which browsers send by themselves): then the
    stream goes on behind it. Each event bears its position as its id. Kinds: `case.` and what
    happened to it (opened, joined, claimed, answered ...), `task.due`, `exception.asked`,
    `sla.breach_predicted`, `policy.step`, `presence.changed`, `staffing.changed`,
    `staffing.gap_opened`, `schedule.published`, `outbox.dead`. Of a case its number, state and
    deadline are told, never what was written.
    """
    said = last_event_id or after
    position = position_of(said) if said else None
    wanted = _Wanted(frozenset(queue or ()), tuple(kind or ()))
    listening = listening_of(request)
    listening.check_room()
    told = _stream(listening, store, brand, position, wanted, lasts_s)
    return StreamingResponse(
        told,
        media_type="text/event-stream",
        # A proxy that collects answers would hold the events back.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _Wanted:
    """Which events a listener asked for."""

    def __init__(self, queues: frozenset[str], kinds: tuple[str, ...]) -> None:
        self.queues, self.kinds = queues, kinds

    def __call__(self, told: Told) -> bool:
        if told.kind in PRIVATE:
            return False
        if self.queues and told.queue is not None and told.queue not in self.queues:
            return False
        return not self.kinds or told.kind.startswith(self.kinds)


async def _stream(
    listening: Listening,
    store: Store,
    brand: Brand,
    position: Position | None,
    wanted: _Wanted,
    lasts_s: float,
) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + lasts_s
    async with listening.listener() as listener:
        begins = await _settled(listening, listener)
        if position is None:
            # Read after the position is known: what comes between is told twice, not lost.
            snapshot = await run_in_threadpool(snapshot_of, store, brand)
            position = begins
            yield _event(position, "snapshot", snapshot)
        while True:
            listener.wake.clear()
            page = await listening.read(position)
            for told in page:
                position = told.position
                if wanted(told):
                    yield _event(position, told.kind, _body(told))
            if page:
                continue
            left = ends - loop.time()
            if left <= 0 or listening.is_closed:
                return
            try:
                await asyncio.wait_for(listener.wake.wait(), min(BEAT_S, left))
            except TimeoutError:
                yield f": nothing new\nid: {position}\n\n"


async def _settled(listening: Listening, listener: Listener) -> Position:
    """How far the events are settled, once that is known."""
    waited = 0.0
    while (position := listening.position) is None:
        if waited >= BEGINS_S:
            raise TryLater("the store is too busy to listen to it; try again in a moment")
        await asyncio.sleep(0.02)
        waited += 0.02
    return position


def _event(position: Position, kind: str, body: Mapping[str, Any]) -> str:
    # JSON holds no line break, so that the data is one line.
    return f"id: {position}\nevent: {kind}\ndata: {json.dumps(body)}\n\n"


def _body(told: Told) -> dict[str, Any]:
    document = {
        "at": told.at,
        "queue": told.queue,
        "case_id": told.case_id,
        "agent_id": told.agent_id,
        "actor": told.actor,
        **told.body,
    }
    dumped: dict[str, Any] = _json.dump_python(document, mode="json")
    return dumped


def snapshot_of(store: Store, brand: Brand) -> dict[str, Any]:
    """All queues as they are now: what waits, who is there, and how the policy stands."""
    now = store.clock.now()
    overview = queue_overview(store, brand=brand, now=now)
    with store.reading() as connection:
        policies = policies_now(connection, brand)
    staffed = staffed_now(store, brand=brand, now=now)
    dumped: dict[str, Any] = _json.dump_python(
        {
            "as_of": now,
            "queues": [QueueOut.model_validate(one).model_dump() for one in overview],
            "policy": [PolicyOut.model_validate(one).model_dump() for one in policies],
            "staffing": [{**asdict(one), "net": one.net} for one in staffed],
        },
        mode="json",
    )
    return dumped
