"""Tasks of cases: follow-ups, callbacks, e-mails, and what other teams are asked for.

A task has a clock of its own: the time it is due. When that comes it is told, once; a follow-up
makes its case wait again. A task that is not ended stays on the list, overdue, whatever becomes of
its case; a follow-up ends by itself with the reply that it led to.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from wfm.brands import Brand
from wfm.casequeue import timing
from wfm.casequeue.texts import check_text
from wfm.casequeue.watching import ACTOR
from wfm.cases import Case
from wfm.errors import Conflict, IllegalMove, RequestError
from wfm.store import casemoves, cases, queueevents
from wfm.store import tasks as rows
from wfm.store.engine import Store, Writing
from wfm.store.presence import check_agent
from wfm.store.tasks import TASK_KINDS, Task, TaskKind, TaskState
from wfm.timegrid import format_instant

TITLE_MAX = 200
RESULT_MAX = 2000

# Tasks told in one transaction.
BATCH = 200

WORDS: dict[TaskKind, str] = {
    "follow_up": "follow-up",
    "callback": "callback",
    "email": "e-mail",
    "team": "task of another team",
}


def open_task(
    store: Store,
    case_id: int,
    kind: TaskKind,
    title: str,
    *,
    due_at: datetime,
    actor: str,
    agent_id: str | None = None,
    team: str = "",
    now: datetime | None = None,
) -> Task:
    """Set a task on a case: to follow up on it, to call back, to write an e-mail, or for a team.

    agent_id  who is to do it; None: anybody
    team      another function of the company, of a task of kind `team` and of no other

    RequestError for a title of nothing, a time that is not to come, or a team where none belongs;
    Conflict on a case that was merged into another; NotFound for an agent nobody knows.
    """
    _check(kind, title, agent_id, team)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        if due_at <= writing.at:
            raise RequestError(
                f"a task is due in the future; {format_instant(due_at)} is past "
                f"at {format_instant(writing.at)}",
                due_at=format_instant(due_at),
            )
        if agent_id is not None:
            check_agent(writing.connection, agent_id)
        case = cases.lock_case(writing, case_id)
        if case.merged_into is not None:
            raise Conflict(
                f"case {case_id} was merged into case {case.merged_into}; set the task there",
                case_id=case_id,
                merged_into=case.merged_into,
            )
        task = rows.insert_task(
            writing, case_id, kind, title, due_at=due_at, agent_id=agent_id, team=team or None
        )
        _note(writing, task, f"set, due {format_instant(due_at)}: {title}")
        return task


def _check(kind: TaskKind, title: str, agent_id: str | None, team: str) -> None:
    if kind not in TASK_KINDS:
        raise RequestError(f"no task is a {kind!r}; take {', '.join(TASK_KINDS)}", kind=kind)
    check_text("title", title, TITLE_MAX)
    if (kind == "team") != bool(team.strip()):
        raise RequestError(
            "a task of kind team, and no other, names the team that is to do it", team=team
        )
    if len(team) > 80 or "\0" in team:
        raise RequestError(f"a team's name has up to 80 characters; this one has {len(team)}")
    if team and agent_id is not None:
        raise RequestError("a task is an agent's or a team's, not both", agent_id=agent_id)


def finish_task(
    store: Store, task_id: int, result: str, *, actor: str, now: datetime | None = None
) -> Task:
    """The task is done; `result` says what came of it. IllegalMove when it has ended before."""
    return _end(store, task_id, "done", result, actor=actor, now=now)


def cancel_task(
    store: Store, task_id: int, reason: str, *, actor: str, now: datetime | None = None
) -> Task:
    """The task is not needed any more, for a reason. IllegalMove when it has ended before."""
    return _end(store, task_id, "cancelled", reason, actor=actor, now=now)


def _end(
    store: Store, task_id: int, state: TaskState, text: str, *, actor: str, now: datetime | None
) -> Task:
    check_text("result" if state == "done" else "reason", text, RESULT_MAX)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        before = rows.find_task(writing.connection, task_id)
        cases.lock_case(writing, before.case_id)
        task = rows.end_task(writing, task_id, state, text)
        if task is None:
            raise IllegalMove(
                f"task {task_id} is {rows.find_task(writing.connection, task_id).state} already; "
                "set a new one",
                task_id=task_id,
            )
        _note(writing, task, f"{state}: {text}")
        return task


def tell_due(store: Store, *, brand: Brand, now: datetime | None = None) -> tuple[Task, ...]:
    """Tell of every open task that has come due since; gives them.

    The case of a follow-up waits again, with the clock of a next reply that runs from now; one
    that waits or is held already goes on as it was. Follow-ups told before end with the answer.
    """
    at = now or store.clock.now()
    _end_answered(store, at)
    told: list[Task] = []
    while True:
        with store.reading() as connection:
            due = rows.to_tell(connection, at, limit=BATCH)
        if not due:
            return tuple(told)
        with store.writing(ACTOR) as plain:
            writing = replace(plain, at=at)
            found = casemoves.lock_cases(writing, set(due.values()))
            # Under the locks: what somebody else told or ended meanwhile is left out, and what is
            # about a case that was merged meanwhile is looked for anew.
            still = [one for one, case_id in due.items() if found[case_id].merged_into is None]
            for task in rows.note_told(writing, still):
                found[due[task.task_id]] = _tell(writing, brand, task, found[due[task.task_id]])
                told.append(task)


def _end_answered(store: Store, at: datetime) -> None:
    with store.reading() as connection:
        ended = rows.answered_follow_ups(connection, limit=BATCH)
    if ended:
        with store.writing(ACTOR) as plain:
            writing = replace(plain, at=at)
            for task_id in ended:
                rows.end_task(writing, task_id, "done", "the case was answered or closed since")


def _tell(writing: Writing, brand: Brand, task: Task, case: Case) -> Case:
    """Tell of one task; gives its case as it is afterwards."""
    queueevents.add(
        writing,
        "task.due",
        queue=case.queue,
        case_id=case.case_id,
        body={
            "task_id": task.task_id,
            "case_id": case.case_id,
            "kind": task.kind,
            "agent_id": task.agent_id,
            "team": task.team,
            "due_at": format_instant(task.due_at),
        },
    )
    if task.kind != "follow_up":
        cases.add_event(
            writing,
            [case.case_id],
            "task",
            agent_ids=[task.agent_id],
            text=f"{WORDS[task.kind]} is due: {task.title}",
        )
        return case
    if case.state in ("answered", "paused"):
        return timing.waits_again(writing, brand, case, "follow_up", task.title)
    cases.add_event(writing, [case.case_id], "follow_up", text=task.title)
    return _open_again(writing, brand, case) if case.state == "closed" else case


def _open_again(writing: Writing, brand: Brand, case: Case) -> Case:
    """A closed case waits again; where its author has another open one, that goes on instead."""
    opened = casemoves.reopen_case(writing, case.case_id, {"state": "new", **timing.WAITS_AFRESH})
    if opened is None:
        return case
    clock = timing.customer_wrote(writing, brand, case, writing.at)
    return cases.update_case(writing, case.case_id, timing.mirrored(clock))


def _note(writing: Writing, task: Task, text: str) -> None:
    cases.add_event(
        writing,
        [task.case_id],
        "task",
        agent_ids=[task.agent_id],
        text=f"{WORDS[task.kind]} {text}" + (f" ({task.team})" if task.team else ""),
    )
