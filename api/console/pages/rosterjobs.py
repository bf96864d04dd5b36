"""The jobs of a draft on the page Roster: how far one is, and how to stop it."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, ctx, html, no_update

from api.console import callers, layout, words
from api.console.drafting import PUBLISH_JOB
from api.console.loop import off_loop
from api.console.views import Views
from wfm.store.jobs import Job


def follow(
    views: Views, tick: int | None, stop: int | None, job_id: str | None, draft_id: int | None
) -> dict[str, Any]:
    """How far the draft's job is; stops it where that was pressed."""
    del tick, stop
    if not job_id:
        return {
            "job": None, "quiet": True, "progress": "", "cancel": True, "revision": no_update,
        }  # fmt: skip
    if ctx.triggered_id == "roster-cancel" and ctx.triggered[0]["value"]:
        views.drafting.cancel(job_id, callers.planner())
    return shown_job(views, views.drafting.job(job_id), draft_id)


def shown_job(views: Views, job: Job, draft_id: int | None) -> dict[str, Any]:
    """The job's state on the page; when it is done, the draft's revision is read anew."""
    revision: Any = no_update
    if job.state == "done" and draft_id is not None:
        revision = views.drafting.draft(draft_id).revision
    return {
        "job": job.job_id if job.is_open else None,
        "quiet": not job.is_open,
        "progress": job_words(job),
        "cancel": not job.is_open,
        "revision": revision,
    }


def job_words(job: Job) -> Any:
    """How far a job of the draft is, or what came of it."""
    if job.is_open:
        return [
            html.Progress(value=str(round(job.progress, 3)), max="1"),
            html.Span(f" {words.percent(job.progress, digits=0)}, {job.stage}"),
        ]
    if job.state == "cancelled":
        return "Cancelled; the draft is as it was."
    if job.state == "failed":
        detail = (job.problem or {}).get("detail", "the service's log has the details")
        return layout.failure(str(detail))
    result = job.result or {}
    if job.kind == PUBLISH_JOB:
        shows = html.A("Show it", href=layout.ROSTER.href)
        return [f"Published as version {result.get('version')}. ", shows]
    changed = int(result.get("changed", 0))
    if not changed:
        return "Solved anew: nothing is worth changing; the draft is as it was."
    return f"Solved anew: {words.counted(changed, 'day')} changed."


def register(app: Dash, views: Views) -> None:
    app.callback(
        output={
            "job": Output("roster-job", "data", allow_duplicate=True),
            "quiet": Output("roster-poll", "disabled", allow_duplicate=True),
            "progress": Output("roster-progress", "children"),
            "cancel": Output("roster-cancel", "hidden"),
            "revision": Output("roster-revision", "data", allow_duplicate=True),
        },
        inputs={
            "tick": Input("roster-poll", "n_intervals"),
            "stop": Input("roster-cancel", "n_clicks"),
            "job_id": State("roster-job", "data"),
            "draft_id": State("roster-draft", "data"),
        },
        prevent_initial_call=True,
    )(off_loop(follow, views))
