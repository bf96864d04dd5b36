"""The systems that deliver contacts to us and take replies and events from us."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import StoreDep
from wfm.ingest.sources import KINDS, new_source
from wfm.store import sources
from wfm.store.sources import URL_MAX

router = APIRouter(prefix="/sources", tags=["inbox"])

Manager = Annotated[Caller, Depends(require("manager"))]
Overseer = Annotated[Caller, Depends(require("manager", "team-lead", "auditor"))]


class SourceIn(BaseModel):
    """A source to make, or to change; its secret is made anew each time."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(default="webhook", examples=list(KINDS))
    callback_url: str = Field(default="", max_length=URL_MAX)
    events: list[str] = Field(default=[], max_length=50)


class SourceOut(BaseModel):
    """A source, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    source: str
    kind: str
    callback_url: str
    events: list[str]
    disabled_at: datetime | None


class SourceMade(SourceOut):
    """With its secret, told only this once."""

    secret: str


@router.get("")
def list_sources(store: StoreDep, _caller: Overseer) -> list[SourceOut]:
    """All sources, by name."""
    with store.reading() as connection:
        return [SourceOut.model_validate(one) for one in sources.list_sources(connection)]


@router.put("/{source}", status_code=201)
def put_source(
    source: str, given: SourceIn, response: Response, store: StoreDep, caller: Manager
) -> SourceMade:
    """Make the source, or give it other settings and a new secret; the old secret ends at once."""
    made = new_source(source, kind=given.kind, callback_url=given.callback_url, events=given.events)
    with store.writing(caller.actor) as writing:
        sources.save_source(writing, made)
    # A secret is not kept by whoever keeps answers.
    response.headers["Cache-Control"] = "no-store"
    return SourceMade.model_validate(made)


@router.delete("/{source}", status_code=204)
def disable_source(source: str, store: StoreDep, caller: Manager) -> None:
    """Take nothing more from the source and deliver nothing more to it; what it brought stays."""
    with store.writing(caller.actor) as writing:
        sources.disable_source(writing, source)
