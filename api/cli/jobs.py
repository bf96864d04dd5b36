"""`wfm job`: long work that the service or a command carries out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from api.cli.shell import JsonOption, actor, emit_json, opened, out, show_table
from wfm.timegrid import format_instant

app = typer.Typer(help="Look at jobs and cancel them.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(help="The job's id, see `wfm job list`.")]


@app.command("list")
def listing(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the newest jobs."""
    from wfm.store import jobs

    with opened() as store, store.reading() as connection:
        found = jobs.list_jobs(connection, limit=limit)
    if as_json:
        emit_json([asdict(job) for job in found])
        return
    if not found:
        out.print("no jobs yet", markup=False)
        return
    table = Table("job", "kind", "state", "done", "stage", "submitted", "by", box=None)
    for job in found:
        submitted = format_instant(job.submitted_at)
        share = f"{job.progress:.0%}"
        table.add_row(job.job_id, job.kind, job.state, share, job.stage, submitted, job.actor)
    show_table(table)


@app.command("show")
def show(job_id: JobId, as_json: JsonOption = False) -> None:
    """Show one job: how far it is, what it said, what came of it."""
    from wfm.store import jobs

    with opened() as store, store.reading() as connection:
        job = jobs.load_job(connection, job_id)
    if as_json:
        emit_json(asdict(job))
        return
    out.print(
        f"{job.job_id}  {job.kind}  {job.state}  {job.progress:.0%}  {job.stage}", markup=False
    )
    for message in job.messages:
        out.print(f"  {message['at']}  {message['level']}: {message['text']}", markup=False)
    if job.problem is not None:
        out.print(f"  failed: {job.problem['detail']}", markup=False)
    if job.result is not None:
        told = ", ".join(f"{name} {value}" for name, value in job.result.items())
        out.print(f"  result: {told}", markup=False)


@app.command("cancel")
def cancel(job_id: JobId) -> None:
    """Cancel a queued or running job."""
    from wfm.store import jobs

    with opened() as store, store.writing(actor()) as writing:
        jobs.cancel_job(writing, job_id)
    out.print(f"job {job_id} is cancelled", markup=False)
