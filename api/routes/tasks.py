"""Tasks of cases: follow-ups, callbacks, e-mails, and what other teams are asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller
from api.deps import MAX_ID, Moment, StoreDep
from api.routes.cases import Anyone, CaseId, Closer, Name, refuse_others
from api.routes.paging import Limit, page_of
from wfm.casequeue import tasks
from wfm.errors import NotAllowed
from wfm.store.engine import Store
from wfm.store.tasks import Task, TaskKind, TaskState, find_task, page_of_tasks

router = APIRouter(tags=["queue"])

TaskId = Annotated[int, Path(ge=1, le=MAX_ID)]
Result = Annotated[str, Field(min_length=1, max_length=tasks.RESULT_MAX)]


class TaskIn(BaseModel):
    """What is to be done until when, by an agent, or for `team` by that team."""

    model_config = ConfigDict(extra="forbid")

    kind: TaskKind
    title: str = Field(min_length=1, max_length=tasks.TITLE_MAX)
    due_at: Moment
    agent_id: Name | None = None
    team: str = Field(default="", max_length=80)


class TaskOut(BaseModel):
    """A task; `overdue` while it is open and its time has come."""

    task_id: int
    case_id: int
    kind: TaskKind
    title: str
    agent_id: str | None
    team: str | None
    opened_at: datetime
    due_at: datetime
    state: TaskState
    overdue: bool
    told_at: datetime | None
    ended_at: datetime | None
    result: str | None


class TaskPage(BaseModel):
    """Tasks by the time they are due; `next` continues the list as `after`, null at its end."""

    items: list[TaskOut]
    next: int | None


class DoneIn(BaseModel):
    """What came of it."""

    model_config = ConfigDict(extra="forbid")

    result: Result


class CancelIn(BaseModel):
    """Why it is not needed any more."""

    model_config = ConfigDict(extra="forbid")

    reason: Result


def _out(task: Task, now: datetime) -> TaskOut:
    return TaskOut(**vars(task), overdue=task.is_overdue(now))


@router.post("/cases/{case_id}/tasks", status_code=201)
def create_task(
    case_id: CaseId, task: TaskIn, response: Response, store: StoreDep, caller: Closer
) -> TaskOut:
    """Set a task on a case; a follow-up makes the case wait again when it is due."""
    refuse_others(store, case_id, caller)
    found = tasks.open_task(
        store,
        case_id,
        task.kind,
        task.title,
        due_at=task.due_at,
        agent_id=task.agent_id,
        team=task.team,
        actor=caller.actor,
    )
    response.headers["Location"] = f"/api/v1/tasks/{found.task_id}"
    return _out(found, store.clock.now())


@router.get("/tasks")
def list_tasks(
    store: StoreDep,
    caller: Anyone,
    state: TaskState | None = None,
    overdue: bool = False,
    case_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    agent_id: Annotated[Name | None, Query()] = None,
    team: Annotated[Name | None, Query()] = None,
    limit: Limit = 50,
    after: Annotated[
        int | None, Query(ge=1, le=MAX_ID, description="`next` of the page before")
    ] = None,
) -> TaskPage:
    """Tasks by the time they are due, a page at a time.

    An agent sees their own, and all of a case that is theirs.
    """
    now = store.clock.now()
    if case_id is not None:
        refuse_others(store, case_id, caller)
    else:
        agent_id = caller.agent_id or agent_id
    with store.reading() as connection:
        found = page_of_tasks(
            connection,
            state="open" if overdue else state,
            case_id=case_id,
            agent_id=agent_id,
            team=team,
            due_by=now if overdue else None,
            after=after,
            limit=limit + 1,
        )
    page, following = page_of(found, limit, lambda task: task.task_id)
    return TaskPage(items=[_out(task, now) for task in page], next=following)


@router.get("/tasks/{task_id}")
def get_task(task_id: TaskId, store: StoreDep, caller: Anyone) -> TaskOut:
    """One task; an agent sees theirs, and those of the cases that are theirs."""
    return _out(_reached(store, task_id, caller), store.clock.now())


@router.post("/tasks/{task_id}/done")
def finish_task(task_id: TaskId, done: DoneIn, store: StoreDep, caller: Closer) -> TaskOut:
    """The task is done."""
    _reached(store, task_id, caller)
    found = tasks.finish_task(store, task_id, done.result, actor=caller.actor)
    return _out(found, store.clock.now())


@router.post("/tasks/{task_id}/cancel")
def cancel_task(task_id: TaskId, cancel: CancelIn, store: StoreDep, caller: Closer) -> TaskOut:
    """The task is not needed any more."""
    _reached(store, task_id, caller)
    found = tasks.cancel_task(store, task_id, cancel.reason, actor=caller.actor)
    return _out(found, store.clock.now())


def _reached(store: Store, task_id: int, caller: Caller) -> Task:
    """The task, if it is the caller's to see and to end."""
    with store.reading() as connection:
        task = find_task(connection, task_id)
    if caller.agent_id is not None and task.agent_id != caller.agent_id:
        try:
            refuse_others(store, task.case_id, caller)
        except NotAllowed:
            raise NotAllowed(
                f"task {task_id} is not {caller.agent_id}'s", task_id=task_id
            ) from None
    return task
