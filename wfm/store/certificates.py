"""Certificates of plans, and their scores on what came. A certificate is never changed once kept.

The first certificate of a plan is the one it was made and published with; it alone is scored. A
certificate notes the newest import of recorded cases that its scores know, and when they were
reckoned, so that it is scored again when more is known, and only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.errors import NotFound
from wfm.store.bulk import BATCH, Row, batches
from wfm.store.engine import Writing
from wfm.store.tables import certificate_scores, certificates, plans

# What of a document stands in a list.
SUMMARY = ("start", "end", "messages", "goals")

# A certificate that was never scored knows of no import.
NONE_KNOWN = 0

_c, _s, _p = certificates.c, certificate_scores.c, plans.c


@dataclass(frozen=True)
class CertificateRow:
    """A certificate without its document.

    own      whether the plan was made with it
    summary  the document without what is told over time: start, end, messages, goals
    """

    certificate_id: int
    plan_id: int
    seed: int
    replications: int
    summary: dict[str, Any] = field(repr=False)
    made_at: datetime
    actor: str
    own: bool


def _first() -> sa.ScalarSelect[int]:
    """The first certificate of the row's plan."""
    other = certificates.alias()
    return (
        sa.select(sa.func.min(other.c.certificate_id))
        .where(other.c.plan_id == _c.plan_id)
        .scalar_subquery()
    )


def _rows() -> sa.Select[Any]:
    return sa.select(
        _c.certificate_id, _c.plan_id, _c.seed, _c.replications, _c.summary, _c.made_at, _c.actor,
        (_c.certificate_id == _first()).label("own"),
    )  # fmt: skip


def insert(
    writing: Writing,
    plan_id: int,
    document: Mapping[str, Any],
    *,
    seed: int,
    job_id: str | None = None,
) -> int:
    """Keep a certificate of the plan; gives its id.

    job_id  the job that made it, by which `made_by` finds it; a job makes one certificate
    """
    certificate_id: int = writing.connection.scalars(
        certificates.insert()
        .values(
            plan_id=plan_id,
            seed=seed,
            replications=document.get("replications", 0),
            summary={name: document[name] for name in SUMMARY if name in document},
            document=dict(document),
            job_id=job_id,
            made_at=writing.at,
            actor=writing.actor,
        )
        .returning(_c.certificate_id)
    ).one()
    return certificate_id


def made_by(connection: sa.Connection, job_id: str) -> int | None:
    """The certificate that the job has kept, or None."""
    return connection.scalar(sa.select(_c.certificate_id).where(_c.job_id == job_id))


def find(connection: sa.Connection, certificate_id: int) -> CertificateRow:
    """The certificate with the id; NotFound when there is none."""
    query = _rows().where(_c.certificate_id == certificate_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no certificate {certificate_id}; `wfm certificates` lists them",
            certificate_id=certificate_id,
        )
    return CertificateRow(*tuple(row))


def listing(
    connection: sa.Connection,
    *,
    plan_id: int | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[CertificateRow]:
    """Certificates of a plan or of all, the newest first; `before` continues a listing."""
    query = _rows()
    if plan_id is not None:
        query = query.where(_c.plan_id == plan_id)
    if before is not None:
        query = query.where(_c.certificate_id < before)
    rows = connection.execute(query.order_by(_c.certificate_id.desc()).limit(limit))
    return [CertificateRow(*tuple(row)) for row in rows]


def document(connection: sa.Connection, certificate_id: int) -> dict[str, Any]:
    """The certificate as JSON holds it."""
    held: dict[str, Any] = connection.execute(
        sa.select(_c.document).where(_c.certificate_id == certificate_id)
    ).scalar_one()
    return held


def own_document(connection: sa.Connection, plan_id: int) -> dict[str, Any]:
    """The certificate that the plan was made with, as JSON holds it."""
    held: dict[str, Any] = connection.execute(
        sa.select(_c.document).where(_c.plan_id == plan_id).order_by(_c.certificate_id).limit(1)
    ).scalar_one()
    return held


def seeds(connection: sa.Connection, plan_id: int) -> list[int]:
    """Seeds of the plan's certificates, in the order they were made."""
    query = sa.select(_c.seed).where(_c.plan_id == plan_id).order_by(_c.certificate_id)
    return list(connection.scalars(query))


# -- scores --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Promised:
    """A certificate that a plan was published with.

    version, published_at  of the plan
    scored_import          the newest import of recorded cases that its scores know, 0 without any
    scored_at              when they were reckoned, None if never
    """

    certificate_id: int
    plan_id: int
    version: int
    start: datetime
    end: datetime
    published_at: datetime
    scored_import: int
    scored_at: datetime | None


def promised(connection: sa.Connection) -> list[Promised]:
    """The own certificate of every plan that was ever published, by version."""
    query = (
        sa.select(
            _c.certificate_id, _c.plan_id, _p.version, _p.starts_at, _p.ends_at, _p.published_at,
            sa.func.coalesce(_c.scored_import, NONE_KNOWN), _c.scored_at,
        )
        .join(plans, _p.plan_id == _c.plan_id)
        .where(_p.version.is_not(None), _c.certificate_id == _first())
        .order_by(_p.version)
    )  # fmt: skip
    return [Promised(*tuple(row)) for row in connection.execute(query)]


def write_scores(
    writing: Writing, certificate_id: int, rows: Sequence[Row], *, import_id: int
) -> bool:
    """Keep the scores of a certificate in place of all older ones.

    rows       columns of `certificate_scores` without the id
    import_id  the newest import of recorded cases that they know

    False when somebody kept newer ones before: of several who score at once the last to read wins.
    """
    moved = writing.connection.execute(
        certificates.update()
        .where(
            _c.certificate_id == certificate_id,
            sa.func.coalesce(_c.scored_import, NONE_KNOWN) <= import_id,
        )
        .values(scored_import=import_id, scored_at=writing.at)
    ).rowcount
    if not moved:
        return False
    writing.connection.execute(
        certificate_scores.delete().where(_s.certificate_id == certificate_id)
    )
    for batch in batches(rows, BATCH):
        keyed = [{"certificate_id": certificate_id, **row} for row in batch]
        writing.connection.execute(certificate_scores.insert(), keyed)
    return True


def score_rows(
    connection: sa.Connection,
    *,
    scope: str,
    certificate_id: int | None = None,
    queue: str | None = None,
    since: datetime | None = None,
) -> list[Row]:
    """Scores of units that start at or after `since`, with plan_id, by time, queue and goal."""
    query = (
        sa.select(_c.plan_id, *_s)
        .join(certificates, _c.certificate_id == _s.certificate_id)
        .where(_s.scope == scope)
        .order_by(_s.start, _s.queue, _s.metric, _s.goal, _s.threshold_s, _s.certificate_id)
    )
    if certificate_id is not None:
        query = query.where(_s.certificate_id == certificate_id)
    if queue is not None:
        query = query.where(_s.queue == queue)
    if since is not None:
        query = query.where(_s.start >= since)
    return [dict(row._mapping) for row in connection.execute(query)]
