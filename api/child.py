"""Starting, hearing and ending the child process of one job."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import IO, Any, TypeVar

from api.problems import internal_problem
from api.worker import Order
from wfm.errors import StoreBusy
from wfm.store import jobs
from wfm.store.engine import Store, Writing
from wfm.timegrid import format_instant

log = logging.getLogger("wfm.jobs")

# How often the parent looks whether the job is still wanted: a cancelled child ends within this.
LOOK_EVERY_S = 0.25

# How often a change that must not be lost waits for the store: five minutes in all.
TRIES = 60

T = TypeVar("T")


def supervise(
    store: Store, job_id: str, targets: Mapping[str, str], stopping: Callable[[], bool]
) -> None:
    """Carry the job out in a child process and keep in the store what comes of it.

    stopping  whether this process is about to end: the job then goes back into the queue

    Does nothing for a job that is not wanted any more, so it may be called again after a crash.
    """
    with store.reading() as connection:
        job = jobs.load_job(connection, job_id)
    if not _insist(store, job.actor, lambda writing: jobs.start_job(writing, job_id)):
        return
    if job.kind not in targets:
        _fail(store, job, f"no work is known of the kind {job.kind!r}")
        return

    ended: dict[str, Any] | None = None
    with tempfile.TemporaryFile() as errors, _child(job, targets[job.kind], store, errors) as child:
        process, reports = child
        for line in _lines(reports, until=lambda: stopping() or not _wanted(store, job_id)):
            ended = _keep(store, job, line) or ended
        if stopping():
            _end(process)
            stage = "waiting for the service to start again"
            _insist(store, job.actor, lambda writing: jobs.requeue_job(writing, job_id, stage))
            return
        if not _wanted(store, job_id):
            return
        code = process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    if said:
        level = logging.ERROR if ended is None else logging.INFO
        log.log(level, "job %s: %s", job_id, said[-4000:])
    _conclude(store, job, ended, code)


def _wanted(store: Store, job_id: str) -> bool:
    with store.reading() as connection:
        return jobs.is_wanted(connection, job_id)


@contextmanager
def _child(
    job: jobs.Job, target: str, store: Store, errors: IO[bytes]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The running child and the pipe it reports on; when left, the child and its group are gone."""
    reports, child_end = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            # -P: a folder called `api` where the user stands must not take our place.
            [sys.executable, "-P", "-m", "api.worker", str(child_end), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=errors,
            stderr=errors,
            pass_fds=(child_end,),
            start_new_session=True,
        )
    finally:
        os.close(child_end)
    try:
        assert process.stdin is not None
        order = Order.for_job(job, target=target, store=store)
        process.stdin.write(json.dumps(asdict(order), default=str).encode() + b"\n")
        process.stdin.flush()
        yield process, reports
    finally:
        _end(process)
        os.close(reports)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _lines(pipe: int, *, until: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """What the child says, until it ends or `until` holds."""
    held = b""
    looked = time.monotonic()
    while True:
        ready, _, _ = select.select([pipe], [], [], LOOK_EVERY_S)
        if ready:
            block = os.read(pipe, 65536)
            if not block:
                return
            *whole, held = (held + block).split(b"\n")
            yield from (json.loads(line) for line in whole)
        if time.monotonic() - looked >= LOOK_EVERY_S:
            if until():
                return
            looked = time.monotonic()


def _keep(store: Store, job: jobs.Job, line: dict[str, Any]) -> dict[str, Any] | None:
    """Write progress or a message to the store; a last line is given back."""
    if "stage" in line:
        # The next line says more: never wait, or a cancelled job would go on meanwhile.
        with suppress(StoreBusy), store.writing_if_free(job.actor) as writing:
            jobs.keep_progress(writing, job.job_id, line["done"], line["stage"])
    elif "message" in line:
        _insist(
            store,
            job.actor,
            lambda writing: jobs.add_message(
                writing, job.job_id, {"at": format_instant(writing.at), **line["message"]}
            ),
        )
    else:
        return line
    return None


def _conclude(store: Store, job: jobs.Job, ended: dict[str, Any] | None, code: int) -> None:
    if ended is None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        _fail(store, job, f"the process that carried the job out ended with {how}")
    elif "problem" in ended:
        _insist(store, job.actor, lambda w: jobs.fail_job(w, job.job_id, ended["problem"]))
    else:
        _insist(store, job.actor, lambda w: jobs.finish_job(w, job.job_id, ended["result"]))


def _fail(store: Store, job: jobs.Job, reason: str) -> None:
    problem = {**internal_problem(), "detail": reason}
    _insist(store, job.actor, lambda writing: jobs.fail_job(writing, job.job_id, problem))


def _insist(store: Store, actor: str, change: Callable[[Writing], T]) -> T:
    """Make the change, though others write for longer than a caller would wait.

    A job's end must not be lost to somebody's long import. StoreBusy after `TRIES` waits.
    """
    for _ in range(TRIES - 1):
        with suppress(StoreBusy), store.writing(actor) as writing:
            return change(writing)
    with store.writing(actor) as writing:
        return change(writing)
