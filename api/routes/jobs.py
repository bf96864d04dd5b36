"""Long work: look at it, cancel it. It is submitted where its kind belongs, e.g. POST /plans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from api.auth import Caller, require
from api.deps import StoreDep
from wfm.store import jobs

router = APIRouter(prefix="/jobs", tags=["jobs"])

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]
Planner = Annotated[Caller, Depends(require("planner", "manager"))]

JobId = Annotated[str, Path(max_length=40, pattern=r"^[\w-]+$")]


class JobLine(BaseModel):
    """A job in a list: queued, running, done, failed or cancelled; `progress` runs from 0 to 1."""

    model_config = ConfigDict(from_attributes=True)

    job_id: str
    kind: str
    state: str
    progress: float
    stage: str
    request: dict[str, Any]
    messages: list[dict[str, Any]]
    problem: dict[str, Any] | None
    submitted_at: datetime
    ended_at: datetime | None
    actor: str


class JobOut(JobLine):
    """A job, and what came of it."""

    result: dict[str, Any] | None


Submit = Callable[[str, dict[str, Any]], JobOut]


def submitting(request: Request, response: Response, store: StoreDep, caller: Planner) -> Submit:
    """A dependency that submits a planner's job, by its kind and what is asked for.

    The job's address goes to `Location`.
    """

    def submit(kind: str, wanted: dict[str, Any]) -> JobOut:
        job_id = request.app.state.jobs.submit(kind, wanted, caller.actor)
        response.headers["Location"] = f"/api/v1/jobs/{job_id}"
        with store.reading() as connection:
            return JobOut.model_validate(jobs.load_job(connection, job_id))

    return submit


Submitting = Annotated[Submit, Depends(submitting)]


class JobList(BaseModel):
    """Jobs, the newest first; what came of one is read with `GET /jobs/{job_id}`, for it may be
    long.
    """

    items: list[JobLine]


@router.get("")
def list_jobs(
    store: StoreDep, _caller: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> JobList:
    """The newest jobs."""
    with store.reading() as connection:
        found = jobs.list_jobs(connection, limit=limit)
    return JobList(items=[JobLine.model_validate(job) for job in found])


@router.get("/{job_id}")
def get_job(job_id: JobId, store: StoreDep, _caller: Reader) -> JobOut:
    """One job, how far it is and what came of it."""
    with store.reading() as connection:
        return JobOut.model_validate(jobs.load_job(connection, job_id))


@router.post("/{job_id}/cancel")
def cancel_job(job_id: JobId, store: StoreDep, caller: Planner) -> JobOut:
    """Cancel a queued or running job: its state changes at once, its process ends within 2 s."""
    with store.writing(caller.actor) as writing:
        jobs.cancel_job(writing, job_id)
        return JobOut.model_validate(jobs.load_job(writing.connection, job_id))
