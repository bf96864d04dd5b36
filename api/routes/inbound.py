"""Signed deliveries of sources: stored at once, worked afterwards; and their quarantine."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from api.auth import Caller, require
from api.deps import MAX_ID, StoreDep
from api.inbox import Inbox
from wfm.errors import SignatureRefused
from wfm.ingest.signing import check
from wfm.store import deliveries
from wfm.store.deliveries import KEY_MAX, SIGNATURE_MAX, Delivery, Incoming
from wfm.timegrid import SystemClock

router = APIRouter(prefix="/quarantine", tags=["inbox"])
# What comes here is signed by its source: the signature is the key.
public = APIRouter(tags=["inbox"])

Overseer = Annotated[Caller, Depends(require("manager", "team-lead", "auditor"))]
Mender = Annotated[Caller, Depends(require("manager", "team-lead"))]
DeliveryId = Annotated[int, Path(ge=1, le=MAX_ID)]

HEADERS = ("Wfm-Id", "Wfm-Timestamp", "Wfm-Signature")

# For a source that is not there the same is reckoned, and takes as long.
_NOBODYS_SECRET = "0" * 43

_SIGNED: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": what,
            "schema": {"type": "string", "maxLength": length},
        }
        for name, what, length in (
            ("Wfm-Id", "the sender's own id of the delivery, without a dot", 200),
            ("Wfm-Timestamp", "when it is sent, in whole seconds since 1970", 16),
            ("Wfm-Signature", "v1= and the HMAC-SHA256, in hex, of `id.timestamp.body`", 150),
        )
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
        "description": "One message, or `messages`: a list of them; see docs/formats.md",
    },
}


class AcceptedOut(BaseModel):
    """The delivery is stored; `known` when it was before."""

    id: str
    known: bool


@public.post(
    "/inbound/{source}",
    status_code=202,
    response_model=AcceptedOut,
    responses={200: {"model": AcceptedOut, "description": "It was delivered before"}},
    openapi_extra=_SIGNED,
    # For the document; the signature is checked with the body below.
    dependencies=[
        Depends(APIKeyHeader(name=HEADERS[2], scheme_name="signature", auto_error=False))
    ],
)
async def deliver(source: str, request: Request) -> Response:
    """Store a delivery: 202 once it is safe, 200 when the same came before; it is worked after.

    The signature is checked on the bytes as they came, before anything is parsed. 429 when more
    comes than can be stored: send it again.
    """
    try:
        body = await request.body()
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it, and nothing was stored
    inbox: Inbox = request.app.state.inbox
    key, timestamp, signature = (request.headers.get(name, "") for name in HEADERS)
    _check_lengths(key, timestamp, signature)
    found = await inbox.source(source)
    secret = _NOBODYS_SECRET if found is None else found.secret
    check(secret, key, timestamp, body, signature, now=SystemClock().now())
    received_at = request.app.state.store.clock.now()
    signed = f"{timestamp} {signature}"
    accepted = await inbox.accept(Incoming(source, key, body, signed, received_at))
    status = 200 if accepted.known else 202
    return JSONResponse({"id": key, "known": accepted.known}, status_code=status)


def _check_lengths(key: str, timestamp: str, signature: str) -> None:
    given = dict(zip(HEADERS, (key, timestamp, signature), strict=True))
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise SignatureRefused(
            f"the header {' and '.join(missing)} is missing; every delivery is signed with "
            + ", ".join(HEADERS)
        )
    if len(key) > KEY_MAX or len(timestamp) + len(signature) >= SIGNATURE_MAX:
        raise SignatureRefused(
            f"Wfm-Id has {KEY_MAX} characters at most, Wfm-Timestamp and Wfm-Signature together "
            f"{SIGNATURE_MAX - 1}"
        )


# -- quarantine ----------------------------------------------------------------------------------


class QuarantinedOut(BaseModel):
    """A delivery that could not be worked, and why."""

    model_config = ConfigDict(from_attributes=True)

    delivery_id: int
    source: str
    key: str
    received_at: datetime
    state: str
    attempts: int
    reason: str | None
    ended_at: datetime | None


class QuarantinedDetail(QuarantinedOut):
    """With its body as text; bytes that are no UTF-8 are written out."""

    body: str


class QuarantinePage(BaseModel):
    """The oldest first; `next` is the `after` of the next page, absent on the last."""

    items: list[QuarantinedOut]
    next: int | None


class DropIn(BaseModel):
    """Why the delivery is left unworked for good."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


@router.get("")
def list_quarantine(
    store: StoreDep,
    _caller: Overseer,
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> QuarantinePage:
    """Deliveries that could not be worked, a page at a time."""
    with store.reading() as connection:
        found = deliveries.page_of_quarantine(connection, after=after, limit=limit + 1)
    page = found[:limit]
    following = page[-1].delivery_id if len(found) > limit else None
    return QuarantinePage(
        items=[QuarantinedOut.model_validate(one) for one in page], next=following
    )


@router.get("/{delivery_id}")
def get_quarantined(
    delivery_id: DeliveryId, store: StoreDep, _caller: Overseer
) -> QuarantinedDetail:
    """One delivery with its body."""
    with store.reading() as connection:
        return _detail(deliveries.find_delivery(connection, delivery_id))


@router.post("/{delivery_id}/retry")
def retry_delivery(delivery_id: DeliveryId, store: StoreDep, caller: Mender) -> QuarantinedOut:
    """Let it be worked again, after what stopped it was mended."""
    with store.writing(caller.actor) as writing:
        return QuarantinedOut.model_validate(deliveries.retry(writing, delivery_id))


@router.post("/{delivery_id}/drop")
def drop_delivery(
    delivery_id: DeliveryId, dropping: DropIn, store: StoreDep, caller: Mender
) -> QuarantinedOut:
    """Leave it unworked for good; its body stays."""
    with store.writing(caller.actor) as writing:
        return QuarantinedOut.model_validate(deliveries.drop(writing, delivery_id, dropping.reason))


def _detail(one: Delivery) -> QuarantinedDetail:
    shown = QuarantinedOut.model_validate(one).model_dump()
    return QuarantinedDetail(**shown, body=one.body.decode(errors="backslashreplace"))
