"""`wfm queue tasks` and `wfm queue exceptions`: what is still to be done, and what was granted."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.table import Table

from api.cli.queueapp import app
from api.cli.queuecases import CaseId, local
from api.cli.queuemoves import desk
from api.cli.shell import JsonOption, actor, emit_json, opened, out, parse_moment, say, show_table
from wfm.errors import RequestError
from wfm.roles import ROLES

if TYPE_CHECKING:
    from datetime import datetime

    from wfm.store.exceptions import CaseException
    from wfm.store.tasks import Task

tasks_app = typer.Typer(
    help="Tasks of cases: follow-ups, callbacks, e-mails, other teams.", no_args_is_help=True
)
exceptions_app = typer.Typer(
    help="Exceptions: what customers are granted beyond the rules.", no_args_is_help=True
)
app.add_typer(tasks_app, name="tasks")
app.add_typer(exceptions_app, name="exceptions")

Id = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**31 - 1)]
OfCase = Annotated[int | None, typer.Option("--case", help="Only of this case.", min=1)]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")]
Role = Annotated[str, typer.Option("--role", help="The role whose limit holds.")]


# -- tasks ---------------------------------------------------------------------------------------


@tasks_app.command("set")
def set_task(
    case_id: CaseId,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="follow_up, callback, email or team.")
    ],
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What is to be done.")],
    due: Annotated[str, typer.Option("--due", help="Until when, as '2026-03-02 18:00'.")],
    agent: Annotated[str | None, typer.Option("--agent", help="Who is to do it.")] = None,
    team: Annotated[str, typer.Option("--team", help="The team, of a task of kind team.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Set a task on a case; a follow-up makes the case wait again when it is due."""
    from wfm.casequeue import tasks
    from wfm.store.tasks import TASK_KINDS

    chosen = next((known for known in TASK_KINDS if known == kind), None)
    if chosen is None:
        raise RequestError(f"no task is a {kind!r}; take {', '.join(TASK_KINDS)}", kind=kind)
    with desk() as (store, brand):
        task = tasks.open_task(
            store,
            case_id,
            chosen,
            title,
            due_at=parse_moment(due, brand.tz),
            agent_id=agent,
            team=team,
            actor=actor(),
        )
        now = store.clock.now()
    when = local(task.due_at, brand.tz)
    _say_task(task, f"Task {task.task_id} on case {case_id} is due {when}.", now, as_json)


@tasks_app.command("list")
def list_tasks(
    overdue: Annotated[bool, typer.Option("--overdue", help="Only open ones past due.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also those done and cancelled.")] = False,
    case_id: OfCase = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Only this agent's.")] = None,
    team: Annotated[str | None, typer.Option("--team", help="Only this team's.")] = None,
    limit: Limit = 50,
    as_json: JsonOption = False,
) -> None:
    """Open tasks by the time they are due."""
    from wfm.store.tasks import page_of_tasks

    with desk() as (store, brand):
        now = store.clock.now()
        with store.reading() as connection:
            found = page_of_tasks(
                connection,
                state="open" if overdue or not every else None,
                case_id=case_id,
                agent_id=agent,
                team=team,
                due_by=now if overdue else None,
                limit=limit,
            )
    if as_json:
        emit_json({"items": [_task(task, now) for task in found]})
        return
    if not found:
        out.print("No task.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("task", "case", "kind", "due", "", "who", "what"):
        table.add_column(name, justify="right" if name in {"task", "case"} else "left")
    for task in found:
        table.add_row(
            str(task.task_id),
            str(task.case_id),
            task.kind,
            local(task.due_at, brand.tz),
            "overdue" if task.is_overdue(now) else task.state,
            task.agent_id or task.team or "anybody",
            task.title,
        )
    show_table(table)


@tasks_app.command("done")
def finish_task(
    task_id: Id,
    result: Annotated[str, typer.Argument(metavar="RESULT", help="What came of it.")],
    as_json: JsonOption = False,
) -> None:
    """The task is done."""
    from wfm.casequeue import tasks

    with opened() as store:
        task = tasks.finish_task(store, task_id, result, actor=actor())
        _say_task(task, f"Task {task_id} is done.", store.clock.now(), as_json)


@tasks_app.command("cancel")
def cancel_task(
    task_id: Id,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why; it is kept.")],
    as_json: JsonOption = False,
) -> None:
    """The task is not needed any more."""
    from wfm.casequeue import tasks

    with opened() as store:
        task = tasks.cancel_task(store, task_id, reason, actor=actor())
        _say_task(task, f"Task {task_id} is cancelled.", store.clock.now(), as_json)


def _task(task: Task, now: datetime) -> dict[str, Any]:
    return {**asdict(task), "overdue": task.is_overdue(now)}


def _say_task(task: Task, sentence: str, now: datetime, as_json: bool) -> None:
    if as_json:
        emit_json(_task(task, now))
    else:
        say(sentence)


# -- exceptions ----------------------------------------------------------------------------------


@exceptions_app.command("ask")
def ask_exception(
    case_id: CaseId,
    amount: Annotated[float, typer.Argument(metavar="AMOUNT", help="In the brand's money.")],
    reason: Annotated[str, typer.Argument(metavar="REASON", help="What for; it is kept.")],
    role: Role = "manager",
    as_json: JsonOption = False,
) -> None:
    """Grant a customer an amount within the role's limit, or ask for more."""
    from wfm.casequeue import exceptions

    _check_role(role)
    with desk() as (store, brand):
        found = exceptions.ask_exception(
            store, case_id, amount, reason, brand=brand, role=role, actor=actor()
        )
    limit = exceptions.limit_of(brand, role)
    told = (
        f"Exception {found.exception_id} is granted."
        if found.state == "granted"
        else f"Exception {found.exception_id} is asked for: the role {role} grants {limit:g} "
        "a case, what was given before included."
    )
    _say_exception(found, told, as_json)


@exceptions_app.command("approve")
def approve_exception(id_: Id, role: Role = "manager", as_json: JsonOption = False) -> None:
    """Say yes to what was asked for, as a role whose limit covers it."""
    from wfm.casequeue import exceptions

    _check_role(role)
    with desk() as (store, brand):
        found = exceptions.approve_exception(store, id_, brand=brand, role=role, actor=actor())
    _say_exception(found, f"Exception {id_} is approved.", as_json)


@exceptions_app.command("refuse")
def refuse_exception(id_: Id, role: Role = "manager", as_json: JsonOption = False) -> None:
    """Say no to what was asked for."""
    from wfm.casequeue import exceptions

    _check_role(role)
    with desk() as (store, brand):
        found = exceptions.refuse_exception(store, id_, brand=brand, role=role, actor=actor())
    _say_exception(found, f"Exception {id_} is refused.", as_json)


@exceptions_app.command("list")
def list_exceptions(
    state: Annotated[
        str | None, typer.Option("--state", help="Only granted, asked, approved or refused ones.")
    ] = None,
    case_id: OfCase = None,
    limit: Limit = 50,
    as_json: JsonOption = False,
) -> None:
    """Exceptions, the newest first."""
    from wfm.store import exceptions as rows

    known = get_args(rows.ExceptionState)
    if state is not None and state not in known:
        raise RequestError(f"no exception is {state!r}; take {', '.join(known)}", state=state)
    with desk() as (store, brand), store.reading() as connection:
        found = rows.list_exceptions(
            connection,
            state=next((one for one in known if one == state), None),
            case_id=case_id,
            limit=limit,
        )
    if as_json:
        emit_json({"items": [asdict(one) for one in found]})
        return
    if not found:
        out.print("No exception.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("exception", "case", "amount", "state", "asked", "by", "decided by", "what for"):
        table.add_column(
            name, justify="right" if name in {"exception", "case", "amount"} else "left"
        )
    for one in found:
        table.add_row(
            str(one.exception_id),
            str(one.case_id),
            f"{one.amount:.2f}",
            one.state,
            local(one.asked_at, brand.tz),
            one.asked_by,
            "" if one.state == "asked" else one.actor,
            one.reason,
        )
    show_table(table)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise RequestError(f"there is no role {role!r}; take {', '.join(ROLES)}", role=role)


def _say_exception(found: CaseException, sentence: str, as_json: bool) -> None:
    if as_json:
        emit_json(asdict(found))
    else:
        say(sentence)
