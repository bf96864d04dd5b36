"""Rosters as files, and agents' calendars behind secret links that can be revoked."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, StoreDep
from api.exports.formats import MEDIA_TYPES, Format
from wfm.errors import NotAllowed, NotFound
from wfm.store import calendars
from wfm.store.people import load_agents

router = APIRouter(tags=["exports"])
# What a calendar program asks for: the secret in the address is all it has.
public = APIRouter(include_in_schema=False)

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]
Planner = Annotated[Caller, Depends(require("planner", "manager", "team-lead"))]
Owner = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "agent"))]

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, with its name in `Content-Disposition`",
        "content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()},
    }
}


class LinkOrder(BaseModel):
    """Whose calendar the link is to show."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str = Field(min_length=1, max_length=80)


class LinkMade(BaseModel):
    """A link with its secret, told only this once."""

    agent_id: str
    url: str


class LinkLine(BaseModel):
    """A link in force, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    agent_id: str
    made_at: datetime
    made_by: str


class LinkList(BaseModel):
    """The links in force, by agent."""

    items: list[LinkLine]


@router.get("/plans/{which}/exports/{kind}", response_class=Response, responses=_FILE)
def export_plan(
    which: str, kind: Format, store: StoreDep, _caller: Reader, agent: str | None = None
) -> Response:
    """A plan's roster (an id, latest, current) as a file, of all agents or of one."""
    return _file(store, which, kind, agent)


@router.get("/drafts/{draft_id}/exports/{kind}", response_class=Response, responses=_FILE)
def export_draft(
    draft_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    kind: Format,
    store: StoreDep,
    _caller: Reader,
    agent: str | None = None,
) -> Response:
    """A draft's roster as a file; in a calendar what it changes is tentative."""
    return _file(store, f"draft-{draft_id}", kind, agent)


def _file(store: StoreDep, which: str, kind: Format, agent_id: str | None) -> Response:
    from api.exports.loading import export  # late: loads the planning libraries

    file = export(store, which, kind, agent_id)
    named = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, media_type=file.media_type, headers=named)


# -- calendar links ------------------------------------------------------------------------------


@router.get("/calendars")
def list_calendar_links(store: StoreDep, _caller: Planner) -> LinkList:
    """Agents whose calendar can be subscribed to by a secret link."""
    with store.reading() as connection:
        found = calendars.links(connection)
    return LinkList(items=[LinkLine.model_validate(link) for link in found])


@router.post("/calendars", status_code=201)
def make_calendar_link(
    order: LinkOrder, request: Request, response: Response, store: StoreDep, caller: Owner
) -> LinkMade:
    """Make the secret link to an agent's calendar, for a calendar program to subscribe to.

    The link that the agent had is revoked. The secret is not kept, so the request sent again makes
    another link.
    """
    _check_owner(caller, order.agent_id)
    with store.writing(caller.actor) as writing:
        known = {agent.agent_id for agent in load_agents(writing.connection)}
        if order.agent_id not in known:
            raise NotFound(f"no agent {order.agent_id!r}", agent_id=order.agent_id)
        secret = calendars.make_link(writing, order.agent_id)
    response.headers["Cache-Control"] = "no-store"
    return LinkMade(
        agent_id=order.agent_id, url=str(request.url_for("calendar_feed", secret=secret))
    )


@router.delete("/calendars/{agent_id}", status_code=204)
def revoke_calendar_link(agent_id: str, store: StoreDep, caller: Owner) -> None:
    """Make the agent's link useless; 404 when there is none."""
    _check_owner(caller, agent_id)
    with store.writing(caller.actor) as writing:
        calendars.revoke_link(writing, agent_id)


def _check_owner(caller: Caller, agent_id: str) -> None:
    if caller.role == "agent" and caller.agent_id != agent_id:
        raise NotAllowed("an agent reaches only their own calendar", agent_id=agent_id)


@public.api_route("/calendars/{secret}.ics", methods=["GET", "HEAD"])
def calendar_feed(secret: str, request: Request, store: StoreDep) -> Response:
    """The calendar that the secret link opens; 404 when it is unknown or was revoked."""
    from api.exports.loading import agent_calendar

    with store.reading() as connection:
        agent_id = calendars.agent_of(connection, secret)
    if agent_id is None:
        raise NotFound("this calendar link is unknown or was revoked; ask for a new one")
    content = agent_calendar(store, agent_id)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    kept = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=kept)
    return Response(content, media_type=MEDIA_TYPES["ical"], headers=kept)
