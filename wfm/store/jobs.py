"""Jobs as everyone sees them: what was asked, how far it is, what came of it.

    queued -> running -> done | failed
    queued | running -> cancelled

Whoever carries a job out asks this table whether it is still wanted; a move that its state does
not allow changes nothing, so that a job that was run twice ends once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.errors import IllegalMove, NotFound
from wfm.store.engine import Writing
from wfm.store.tables import jobs

OPEN = ("queued", "running")


@dataclass(frozen=True)
class Job:
    """One job.

    progress  0 to 1
    stage     what is being done, in words
    messages  what there is to know about it: {"at", "level", "code", "text", "arguments"}
    result    what it gave
    problem   why it failed, as a problem document
    """

    job_id: str
    kind: str
    state: str
    request: dict[str, Any]
    progress: float
    stage: str
    messages: list[dict[str, Any]]
    result: dict[str, Any] | None
    problem: dict[str, Any] | None
    submitted_at: datetime
    ended_at: datetime | None
    actor: str

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


def insert_job(writing: Writing, job_id: str, kind: str, request: Mapping[str, Any]) -> None:
    """A new job, queued."""
    writing.connection.execute(
        jobs.insert().values(
            job_id=job_id,
            kind=kind,
            state="queued",
            request=dict(request),
            progress=0.0,
            stage="waiting",
            messages=[],
            submitted_at=writing.at,
            actor=writing.actor,
        )
    )
    writing.audit("job.submit", job_id, after={"kind": kind, "request": dict(request)})


def load_job(connection: sa.Connection, job_id: str) -> Job:
    """The job; NotFound when there is none."""
    row = connection.execute(sa.select(jobs).where(jobs.c.job_id == job_id)).one_or_none()
    if row is None:
        raise NotFound(f"no job {job_id!r}; `wfm job list` shows them", job_id=job_id)
    return Job(**row._mapping)


def list_jobs(
    connection: sa.Connection, *, limit: int = 50, states: tuple[str, ...] = ()
) -> tuple[Job, ...]:
    """The newest jobs first, of all states or some."""
    query = sa.select(jobs).order_by(jobs.c.submitted_at.desc(), jobs.c.job_id.desc()).limit(limit)
    if states:
        query = query.where(jobs.c.state.in_(states))
    return tuple(Job(**row._mapping) for row in connection.execute(query))


def is_wanted(connection: sa.Connection, job_id: str) -> bool:
    """Whether the job is still to be carried out: neither cancelled nor ended."""
    return connection.scalar(sa.select(jobs.c.state).where(jobs.c.job_id == job_id)) in OPEN


def start_job(writing: Writing, job_id: str) -> bool:
    """Mark the job as running, also when it was (its runner was killed); False: not wanted."""
    return _move(writing, job_id, {"state": "running", "progress": 0.0, "stage": "starting"})


def requeue_job(writing: Writing, job_id: str, stage: str) -> bool:
    """Put a job whose runner had to stop back into the queue."""
    return _move(writing, job_id, {"state": "queued", "progress": 0.0, "stage": stage})


def keep_progress(writing: Writing, job_id: str, done: float, stage: str) -> bool:
    """Say how far the job is; False when nobody wants it any more."""
    share = min(1.0, max(0.0, done))
    return _move(writing, job_id, {"progress": share, "stage": stage[:120]})


def add_message(writing: Writing, job_id: str, message: Mapping[str, Any]) -> None:
    """Add something worth knowing to the job."""
    held = writing.connection.scalar(
        sa.select(jobs.c.messages).where(jobs.c.job_id == job_id).with_for_update()
    )
    writing.connection.execute(
        jobs.update().where(jobs.c.job_id == job_id).values(messages=[*(held or []), dict(message)])
    )


def finish_job(writing: Writing, job_id: str, result: Mapping[str, Any]) -> bool:
    """Mark the job as done."""
    return _move(
        writing,
        job_id,
        {
            "state": "done",
            "progress": 1.0,
            "stage": "done",
            "result": dict(result),
            "ended_at": writing.at,
        },
    )


def fail_job(writing: Writing, job_id: str, problem: Mapping[str, Any]) -> bool:
    """Mark the job as failed, with the reason."""
    values = {"state": "failed", "problem": dict(problem), "ended_at": writing.at}
    return _move(writing, job_id, values)


def cancel_job(writing: Writing, job_id: str) -> None:
    """Stop wanting the job; its runner then ends its work. IllegalMove when it ended already."""
    if _move(writing, job_id, {"state": "cancelled", "ended_at": writing.at}):
        writing.audit("job.cancel", job_id)
        return
    job = load_job(writing.connection, job_id)
    if job.state != "cancelled":
        raise IllegalMove(
            f"job {job_id} is {job.state}; only a queued or running job can be cancelled",
            job_id=job_id,
            state=job.state,
        )


def _move(writing: Writing, job_id: str, values: Mapping[str, Any]) -> bool:
    changed = writing.connection.execute(
        jobs.update().where(jobs.c.job_id == job_id, jobs.c.state.in_(OPEN)).values(**values)
    )
    return changed.rowcount == 1
