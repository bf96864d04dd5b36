"""Long work: submit, watch, cancel. DBOS carries it through crashes, a child process does it.

What people see is the jobs table (`wfm.store.jobs`). DBOS holds, in a database of its own, which
process owes which job: after a kill, the next start finds the debt and runs the job again. Its
workflow is given the job's id and nothing else, and runs `api.child.supervise`.

Two ways to run:

    the service   takes jobs from the queue, one at a time, as the executor "service"
    a command     runs its own job at once under an executor of its own and leaves the queue alone,
                  so that `wfm plan` beside a running service neither takes nor loses a job
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID

from api.child import supervise
from api.problems import error_of, internal_problem, problem_of
from api.worker import KINDS
from wfm.errors import Cancelled, InternalFault, RequestError, TryLater, WfmError
from wfm.progress import Progress, silent
from wfm.settings import Settings
from wfm.store import jobs
from wfm.store.engine import Store

# Goes up when a workflow of an older program could not be carried on by this one.
WORKFLOW_VERSION = "wfm-1"

log = logging.getLogger("wfm.jobs")

QUEUE = "wfm-jobs"
POLL_S = 0.25

# DBOS is one per process; so is the runner that its workflow asks.
_runner: Jobs | None = None


class Jobs:
    """The jobs of one store, carried out by this process while it is started.

    kinds     kind of job -> "module:function" of its work
    executor  under which name DBOS books what this process owes
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        kinds: Mapping[str, str] = KINDS,
        executor: str | None = None,
    ) -> None:
        self.store = store
        self.kinds = dict(kinds)
        self.is_service = executor is None
        # A SQLite store has one service, whatever its machine is called today.
        service = "service" if store.is_sqlite else f"service@{socket.gethostname()}"
        self.executor = executor or service
        # On SQLite a file of its own: its writers must not stand in the way of the queue's.
        beside = f"sqlite:///{settings.home / 'jobs.sqlite'}"
        self._database = beside if store.is_sqlite else settings.store_url
        self._home = settings.home
        self._stopping = threading.Event()

    # -- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to carry jobs out, first those that a killed process left behind."""
        global _runner  # noqa: PLW0603 - DBOS itself is one per process
        if _runner is not None:
            raise InternalFault("this process carries jobs out already")
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stopping.clear()
        _quiet()
        _workflow()
        _runner = self
        try:
            config: DBOSConfig = {
                "name": "wfm",
                "system_database_url": self._database,
                "dbos_system_schema": "wfm_jobs",
                "application_version": WORKFLOW_VERSION,
                "executor_id": self.executor,
                # The default is pickle.
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "ERROR",
                # Nobody notifies anybody here, but stopping waits for one round of it.
                "notification_listener_polling_interval_sec": POLL_S,
                "enable_otlp": False,
            }
            DBOS(config=config)
            DBOS.listen_queues([QUEUE] if self.is_service else [])
            DBOS.launch()
            DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL_S)
            self._settle_the_forgotten()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop carrying jobs out; what is running goes back into the queue."""
        global _runner  # noqa: PLW0603
        self._stopping.set()
        DBOS.destroy(workflow_completion_timeout_sec=5)
        _runner = None

    @contextmanager
    def started(self) -> Iterator[Jobs]:
        self.start()
        try:
            yield self
        finally:
            self.stop()

    # -- use --------------------------------------------------------------------------------------

    def submit(self, kind: str, request: Mapping[str, Any], actor: str) -> str:
        """Queue a job; gives its id. RequestError for a kind that does not exist."""
        if kind not in self.kinds:
            known = ", ".join(sorted(self.kinds))
            raise RequestError(f"{kind!r} is no kind of job; there is {known}", kind=kind)
        if _runner is not self:
            raise TryLater("no jobs are carried out here; start the service with `wfm serve`")
        job_id = f"job-{secrets.token_hex(8)}"
        with self.store.writing(actor) as writing:
            jobs.insert_job(writing, job_id, kind, request)
        self._enqueue(job_id, workflow_id=job_id)
        return job_id

    def cancel(self, job_id: str, actor: str) -> None:
        """Stop wanting the job: it is cancelled at once, its process is gone within a second."""
        cancel(self.store, job_id, actor)

    # -- inside -----------------------------------------------------------------------------------

    def _enqueue(self, job_id: str, *, workflow_id: str) -> None:
        with SetWorkflowID(workflow_id):
            if self.is_service:
                DBOS.enqueue_workflow(QUEUE, _workflow(), job_id)
            else:
                DBOS.start_workflow(_workflow(), job_id)

    def _carry_out(self, job_id: str) -> None:
        try:
            supervise(self.store, job_id, self.kinds, self._stopping.is_set)
        except Exception as error:
            log.exception("job %s could not be supervised", job_id)
            told = problem_of(error) if isinstance(error, WfmError) else internal_problem()
            with self.store.writing(self.executor) as writing:
                jobs.fail_job(writing, job_id, told)

    def _settle_the_forgotten(self) -> None:
        """Settle jobs that are open in the store but that no living process owes any more.

        A service that was stopped left them queued, and the next service takes them up; a command
        that was killed left its own, and whoever comes next says so.
        """
        with self.store.reading() as connection:
            open_jobs = jobs.list_jobs(connection, limit=1000, states=jobs.OPEN)
        for job in reversed(open_jobs):
            debts = DBOS.list_workflows(workflow_id_prefix=job.job_id)
            owed = [d for d in debts if d.status in ("PENDING", "ENQUEUED", "DELAYED")]
            if not owed:
                if not self.is_service:
                    continue
                self._enqueue(job.job_id, workflow_id=f"{job.job_id}-{len(debts)}")
            elif all(d.status == "PENDING" and _is_dead_command(d.executor_id) for d in owed):
                told = problem_of(
                    Cancelled("the command that ran this job was killed; run it again")
                )
                with self.store.writing(self.executor) as writing:
                    jobs.fail_job(writing, job.job_id, told)
                for debt in owed:
                    DBOS.cancel_workflow(debt.workflow_id)


@cache
def _workflow() -> Any:
    """The one workflow: asks the runner of this process to carry the job out."""

    def carry_out(job_id: str) -> None:
        runner = _runner
        if runner is None:
            raise InternalFault("a job was started in a process that carries none out")
        runner._carry_out(job_id)

    step = DBOS.step(name="wfm.carry_out")(carry_out)

    def job(job_id: str) -> None:
        step(job_id)

    return DBOS.workflow(name="wfm.job")(job)


def _command_executor() -> str:
    return f"command@{socket.gethostname()}:{os.getpid()}"


def _is_dead_command(executor: str | None) -> bool:
    """Whether the executor is a command of this machine whose process is gone."""
    name, _, pid = (executor or "").rpartition(":")
    if name != f"command@{socket.gethostname()}" or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _quiet() -> None:
    """DBOS tells its own life in some twenty lines; only what is wrong is of use.

    It keeps the standard error of its first start for ever. A process that starts again, with
    another one, would write to what was closed since.
    """
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.ERROR)
    logger.handlers.clear()


def cancel(store: Store, job_id: str, actor: str) -> None:
    """Stop wanting the job, wherever it runs. IllegalMove when it ended, NotFound without it."""
    with store.writing(actor) as writing:
        jobs.cancel_job(writing, job_id)


def run_job(  # noqa: PLR0917 - a job is asked for as it is submitted: what, with what, by whom
    store: Store,
    settings: Settings,
    kind: str,
    request: Mapping[str, Any],
    actor: str,
    progress: Progress = silent,
    *,
    kinds: Mapping[str, str] = KINDS,
) -> dict[str, Any]:
    """Carry a job out and wait for its result; Ctrl-C, or Cancelled from `progress`, cancels it.

    Raises Cancelled when somebody else cancelled it, and the job's own error when it failed.
    """
    runner = Jobs(store, settings, kinds=kinds, executor=_command_executor())
    with runner.started():
        job_id = runner.submit(kind, request, actor)
        try:
            return _wait(store, job_id, progress)
        except BaseException:
            with store.reading() as connection:
                wanted = jobs.is_wanted(connection, job_id)
            if wanted:
                cancel(store, job_id, actor)
            raise


def _wait(store: Store, job_id: str, progress: Progress) -> dict[str, Any]:
    while True:
        with store.reading() as connection:
            job = jobs.load_job(connection, job_id)
        if not job.is_open:
            break
        progress(job.progress, job.stage)
        time.sleep(POLL_S)
    if job.state == "done":
        progress(1.0, "done")
        return job.result or {}
    if job.state == "cancelled":
        raise Cancelled(f"job {job_id} was cancelled; nothing of it was kept")
    raise error_of(job.problem or internal_problem())
