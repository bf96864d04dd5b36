"""Work that takes a while: the button that starts it, how far it is, and how to stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from api.console import callers, layout, words
from api.console.loop import off_loop
from api.console.views import Views
from wfm.store.jobs import Job

POLL_MS = 700


@dataclass(frozen=True)
class Work:
    """A kind of job that a page starts and follows.

    page     what its components' ids begin with; `<page>-changed` counts what was done
    kind     of the job
    button   what the button says; purpose: what the work is for
    start    submits the job for an actor and gives its id
    done     what is told when it is done, and where to see it
    """

    page: str
    kind: str
    button: str
    purpose: str
    start: Callable[[Views, str], str]
    done: tuple[str, str, str]


def bar(work: Work, views: Views, *, className: str = "") -> list[Any]:
    """The button, how far the work is, and how to stop it; goes on with one that runs."""
    running = views.open_job(work.kind)
    return [
        html.Div(
            [
                html.Div(
                    html.P(work.purpose, className="note"), id=f"{work.page}-said", role="status"
                ),
                html.Div(id=f"{work.page}-progress", role="status"),
                html.Div(
                    [
                        html.Button(
                            "Cancel",
                            id=f"{work.page}-cancel",
                            className="plain",
                            hidden=True,
                            n_clicks=0,
                        ),
                        html.Button(
                            work.button, id=f"{work.page}-anew", className="primary", n_clicks=0
                        ),
                    ],
                    className="buttons",
                ),
            ],
            className=f"bar anew {className}".strip(),
        ),
        dcc.Store(id=f"{work.page}-job", data=running),
        dcc.Interval(id=f"{work.page}-poll", interval=POLL_MS, disabled=running is None),
    ]


def steer(
    work: Work, views: Views, *, trigger: str | None, job_id: str | None, changed: int | None
) -> dict[str, Any]:
    """Start, stop or follow the job; how the page shows it.

    trigger  id of the component that called
    """
    if trigger == f"{work.page}-anew":
        job_id = work.start(views, callers.planner())
    elif trigger == f"{work.page}-cancel" and job_id:
        views.cancel(job_id, callers.planner())
    return shown_job(work, views.job(job_id) if job_id else None, changed)


def shown_job(work: Work, job: Job | None, changed: int | None) -> dict[str, Any]:
    """The state of the buttons and the words on a job."""
    is_open = job is not None and job.is_open
    return {
        "job": job.job_id if job is not None and is_open else None,
        "quiet": not is_open,
        "progress": job_words(work, job) if job is not None else "",
        "busy": is_open,
        "cancel": not is_open,
        "changed": (changed or 0) + 1 if job is not None and job.state == "done" else no_update,
    }


def job_words(work: Work, job: Job) -> Any:
    if job.is_open:
        return [
            html.Progress(value=str(round(job.progress, 3)), max="1"),
            html.Span(f" {words.percent(job.progress, digits=0)}, {job.stage}"),
        ]
    if job.state == "done":
        said, link, href = work.done
        return [f"{said} ", html.A(link, href=href)] if link else said
    if job.state == "cancelled":
        return "Cancelled; nothing was kept."
    detail = (job.problem or {}).get("detail", "the service's log has the details")
    return layout.failure(str(detail))


def followed(work: Work, views: Views, **given: Any) -> dict[str, Any]:
    """`steer`, told by Dash what called."""
    del given["start"], given["stop"], given["tick"]
    return steer(work, views, trigger=ctx.triggered_id, **given)


def register(app: Dash, views: Views, work: Work) -> None:
    app.callback(
        output={
            "job": Output(f"{work.page}-job", "data"),
            "quiet": Output(f"{work.page}-poll", "disabled"),
            "progress": Output(f"{work.page}-progress", "children"),
            "busy": Output(f"{work.page}-anew", "disabled"),
            "cancel": Output(f"{work.page}-cancel", "hidden"),
            "changed": Output(f"{work.page}-changed", "data", allow_duplicate=True),
        },
        inputs={
            "start": Input(f"{work.page}-anew", "n_clicks"),
            "stop": Input(f"{work.page}-cancel", "n_clicks"),
            "tick": Input(f"{work.page}-poll", "n_intervals"),
            "job_id": State(f"{work.page}-job", "data"),
            "changed": State(f"{work.page}-changed", "data"),
        },
        prevent_initial_call=True,
    )(off_loop(followed, work, views))
