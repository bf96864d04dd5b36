"""Answers kept under the key a client gave, so that asking twice does once.

Like access, this runs on the machine's time: callers hand it over as `now`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfm.errors import Conflict
from wfm.store.engine import Writing
from wfm.store.tables import idempotency

KEPT = timedelta(hours=48)

# A request that has not answered after this long is taken for dead, and may be tried again.
ABANDONED = timedelta(minutes=2)

_UNANSWERED = 0


@dataclass(frozen=True)
class Answer:
    """What the first request was answered: status, headers worth repeating, body."""

    status: int
    headers: dict[str, str]
    body: str


def begin(writing: Writing, key: str, *, digest: bytes, now: datetime) -> Answer | None:
    """Claim the key for this request, or give the answer the same request got before.

    Conflict when the key was used for another request, or the first has not been answered yet.
    """
    held = idempotency.c.key == key, idempotency.c.caller == writing.actor
    connection = writing.connection
    connection.execute(
        idempotency.delete().where(
            sa.or_(
                idempotency.c.written_at < now - KEPT,
                sa.and_(
                    idempotency.c.status == _UNANSWERED, idempotency.c.written_at < now - ABANDONED
                ),
            )
        )
    )
    row = connection.execute(sa.select(idempotency).where(*held)).one_or_none()
    if row is None:
        try:
            with connection.begin_nested():
                connection.execute(
                    idempotency.insert().values(
                        key=key,
                        caller=writing.actor,
                        request_sha256=digest,
                        status=_UNANSWERED,
                        response={},
                        written_at=now,
                    )
                )
            return None
        except sa.exc.IntegrityError:  # another process was quicker
            row = connection.execute(sa.select(idempotency).where(*held)).one()
    if row.request_sha256 != digest:
        raise Conflict(
            f"the Idempotency-Key {key!r} was used for another request; send a new key", key=key
        )
    if row.status == _UNANSWERED:
        raise Conflict(
            f"a request with the Idempotency-Key {key!r} is still being worked on; "
            "ask again in a moment",
            key=key,
        )
    return Answer(row.status, row.response["headers"], row.response["body"])


def keep(writing: Writing, key: str, answer: Answer) -> None:
    """Keep the answer under the key claimed before."""
    response: dict[str, Any] = {"headers": answer.headers, "body": answer.body}
    writing.connection.execute(
        idempotency.update()
        .where(idempotency.c.key == key, idempotency.c.caller == writing.actor)
        .values(status=answer.status, response=response)
    )


def release(writing: Writing, key: str) -> None:
    """Give the key back: the request did not succeed and may be sent again."""
    writing.connection.execute(
        idempotency.delete().where(
            idempotency.c.key == key,
            idempotency.c.caller == writing.actor,
            idempotency.c.status == _UNANSWERED,
        )
    )
