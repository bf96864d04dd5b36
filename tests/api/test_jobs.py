"""Long work: carried out in a child process, watched, cancelled, and taken up after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.jobs import Jobs, run_job
from wfm.errors import Cancelled, InternalFault, NotFound, RequestError
from wfm.settings import Settings
from wfm.store import jobs
from wfm.store.engine import Store, open_store
from wfm.store.jobs import Job
from wfm.timegrid import FixedClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

WORK = '''
import os, pathlib, subprocess, sys, time
from wfm.errors import NotFound

def nap(work):
    """Sleeps, saying its process's id; leaves its marks in a file."""
    count = int(work.request["seconds"] * 20)
    note = pathlib.Path(work.request.get("note", os.devnull))
    with note.open("a") as file:
        file.write("begun\\n")
    for i in range(count):
        work.progress(i / count, f"process {os.getpid()}")
        time.sleep(0.05)
    with note.open("a") as file:
        file.write("ended\\n")
    work.tell("note", "slept", "slept well", seconds=work.request["seconds"])
    return {"actor": work.actor, "now": work.store.clock.now().isoformat()}

def family(work):
    """Starts a process of its own, as a forecasting library does."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    while True:
        work.progress(0.5, f"process {child.pid}")
        time.sleep(0.05)

def unknown_queue(work):
    raise NotFound("no queue 'x'; there is y", queue="x")

def fault(work):
    print("noise on standard output")
    raise ValueError("what nobody foresaw")

def killed(work):
    os.kill(os.getpid(), 9)

def twice(work):
    """Leaves a mark in the store under the job's id, and is killed in the first run."""
    with work.store.writing(work.actor) as writing:
        marks = "SELECT count(*) FROM audit WHERE action = 'mark' AND subject = ?"
        made = writing.connection.exec_driver_sql(marks, (work.job_id,)).scalar_one()
        writing.audit("mark", work.job_id)
    work.progress(0.5, f"process {os.getpid()}")
    if not made:
        time.sleep(60)
    return {"marks": made + 1}
'''

NAMES = ("nap", "family", "unknown_queue", "fault", "killed", "twice")
KINDS = {name: f"wfm_test_work:{name}" for name in NAMES}


@pytest.fixture(autouse=True)
def _work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's kinds of work, where the child process finds them."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "wfm_test_work.py").write_text(WORK)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def until(store: Store, job_id: str, holds: Callable[[Job], Any], within_s: float = 20) -> Job:
    """The job once `holds`."""
    deadline = time.monotonic() + within_s
    while True:
        with store.reading() as connection:
            job = jobs.load_job(connection, job_id)
        if holds(job):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.02)


def ended(job: Job) -> bool:
    return not job.is_open


def process_of(job: Job) -> int | None:
    return int(job.stage.split()[1]) if job.stage.startswith("process") else None


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class TestOneService:
    """One service throughout: starting and stopping one takes a second."""

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
        settings = Settings(home=tmp_path_factory.mktemp("home"))
        store = open_store(settings.store_url, clock=FixedClock(NOW))
        with Jobs(store, settings, kinds=KINDS).started() as started:
            yield started
        store.close()

    def test_a_job_moves_from_queued_to_done_with_progress_and_messages(self, runner: Jobs):
        job_id = runner.submit("nap", {"seconds": 1}, "planner:ann")
        until(runner.store, job_id, lambda job: job.state == "running" and 0 < job.progress < 1)
        job = until(runner.store, job_id, ended)
        assert (job.state, job.progress, job.problem) == ("done", 1.0, None)
        assert job.result == {"actor": "planner:ann", "now": "2026-03-02T09:00:00+00:00"}
        (message,) = job.messages
        assert (message["code"], message["text"]) == ("slept", "slept well")
        assert message["arguments"] == {"seconds": 1}

    def test_jobs_run_one_at_a_time_in_the_order_they_came(self, runner: Jobs, tmp_path: Path):
        note = tmp_path / "note"
        ids = [runner.submit("nap", {"seconds": 0.2, "note": str(note)}, "ann") for _ in range(2)]
        for job_id in ids:
            until(runner.store, job_id, ended)
        assert note.read_text().split() == ["begun", "ended"] * 2

    @pytest.mark.parametrize(
        ("kind", "told"),
        [
            ("unknown_queue", "no queue 'x'; there is y"),
            ("fault", "ValueError: what nobody foresaw"),
            ("killed", "ended with signal 9"),
        ],
    )
    def test_a_job_that_fails_says_why(self, kind: str, told: str, runner: Jobs):
        job = until(runner.store, runner.submit(kind, {}, "ann"), ended)
        assert (job.state, job.result) == ("failed", None)
        assert job.problem is not None
        assert told in job.problem["detail"]

    def test_cancelling_ends_the_process_and_what_it_started_within_two_seconds(self, runner: Jobs):
        job_id = runner.submit("family", {}, "ann")
        pid = process_of(until(runner.store, job_id, process_of))
        assert pid is not None
        assert is_alive(pid)
        runner.cancel(job_id, "ann")
        assert until(runner.store, job_id, ended, within_s=0.1).state == "cancelled"
        assert gone_within(pid, 2)

    def test_a_queued_job_that_was_cancelled_never_begins(self, runner: Jobs, tmp_path: Path):
        note = tmp_path / "note"
        first = runner.submit("nap", {"seconds": 0.5}, "ann")
        second = runner.submit("nap", {"seconds": 0, "note": str(note)}, "ann")
        third = runner.submit("nap", {"seconds": 0}, "ann")
        runner.cancel(second, "ann")
        for job_id in (first, third):
            until(runner.store, job_id, ended)
        assert not note.exists()

    def test_a_kind_that_does_not_exist_is_refused(self, runner: Jobs):
        with pytest.raises(RequestError, match="'paint' is no kind of job; there is family"):
            runner.submit("paint", {}, "ann")


def test_a_stopped_service_puts_its_job_back_and_the_next_one_does_it(
    store: Store, settings: Settings
):
    with Jobs(store, settings, kinds=KINDS).started() as first:
        job_id = first.submit("nap", {"seconds": 1}, "ann")
        pid = process_of(until(store, job_id, process_of))
        assert pid is not None
    assert not is_alive(pid)
    with store.reading() as connection:
        assert jobs.load_job(connection, job_id).state == "queued"
    with Jobs(store, settings, kinds=KINDS).started():
        assert until(store, job_id, ended).state == "done"


SERVICE = """
import sys, time
from pathlib import Path
from api.jobs import Jobs, run_job
from wfm.settings import Settings
from wfm.store.engine import open_store

settings = Settings(home=Path(sys.argv[1]))
store = open_store(settings.store_url)
kinds = {name: f"wfm_test_work:{name}" for name in sys.argv[3:]}
if sys.argv[2] == "command":
    run_job(store, settings, sys.argv[3], {"seconds": 60}, "ann", kinds=kinds)
with Jobs(store, settings, kinds=kinds).started() as jobs:
    jobs.submit(sys.argv[3], {"seconds": 60}, "ann")
    time.sleep(60)
"""


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a process that carries out one job of the kind, as a service or as a command."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(how: str, kind: str) -> subprocess.Popen[bytes]:
        arguments = [str(settings.home), how, kind]
        begun.append(subprocess.Popen([sys.executable, "-c", SERVICE, *arguments]))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


def newest(store: Store) -> Job:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with store.reading() as connection:
            found = jobs.list_jobs(connection, limit=1)
        if found and process_of(found[0]):
            return found[0]
        time.sleep(0.05)
    raise AssertionError("no job began")


def test_a_killed_service_takes_its_child_along_and_the_next_one_resumes_the_job(
    store: Store, settings: Settings, elsewhere
):
    service = elsewhere("service", "twice")
    job = newest(store)
    pid = process_of(job)
    assert pid is not None
    os.kill(service.pid, signal.SIGKILL)
    service.wait()
    assert gone_within(pid, 2)
    with store.reading() as connection:
        assert jobs.load_job(connection, job.job_id).state == "running"

    with Jobs(store, settings, kinds=KINDS).started():
        again = until(store, job.job_id, ended)
    assert (again.state, again.result) == ("done", {"marks": 2})


@pytest.mark.parametrize("by", ["service", "command"])
def test_a_killed_command_leaves_a_job_that_whoever_comes_next_settles(
    store: Store, settings: Settings, elsewhere, by: str
):
    command = elsewhere("command", "nap")
    job = newest(store)
    pid = process_of(job)
    assert pid is not None
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    assert gone_within(pid, 2)
    if by == "service":
        with Jobs(store, settings, kinds=KINDS).started():
            settled = until(store, job.job_id, ended)
    else:
        run_job(store, settings, "nap", {"seconds": 0.1}, "bob", kinds=KINDS)
        settled = until(store, job.job_id, ended)
    assert settled.state == "failed"
    assert settled.problem is not None
    assert "run it again" in settled.problem["detail"]


def test_a_command_runs_beside_a_service_and_neither_takes_the_others_job(
    store: Store, settings: Settings, elsewhere
):
    elsewhere("service", "nap")
    job = newest(store)
    result = run_job(store, settings, "nap", {"seconds": 0.2}, "bob", kinds=KINDS)
    assert result["actor"] == "bob"
    with store.reading() as connection:
        assert jobs.load_job(connection, job.job_id).state == "running"


def test_a_command_gives_its_jobs_progress_and_result(store: Store, settings: Settings):
    seen: list[float] = []
    result = run_job(
        store,
        settings,
        "nap",
        {"seconds": 0.7},
        "ann",
        lambda done, _stage: seen.append(done),
        kinds=KINDS,
    )
    assert result["actor"] == "ann"
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert any(0 < done < 1 for done in seen)


def test_a_commands_failed_job_raises_its_own_error(store: Store, settings: Settings):
    with pytest.raises(NotFound, match="no queue 'x'; there is y"):
        run_job(store, settings, "unknown_queue", {}, "ann", kinds=KINDS)
    with pytest.raises(InternalFault, match="what nobody foresaw"):
        run_job(store, settings, "fault", {}, "ann", kinds=KINDS)


@pytest.mark.parametrize("reason", [KeyboardInterrupt, Cancelled("enough")], ids=["ctrl-c", "told"])
def test_a_stopped_command_cancels_its_job(reason, store: Store, settings: Settings):
    pids: list[int] = []

    def progress(_done: float, stage: str) -> None:
        if stage.startswith("process"):
            pids.append(int(stage.split()[1]))
            raise reason

    with pytest.raises(BaseException) as caught:  # noqa: PT011
        run_job(store, settings, "nap", {"seconds": 60}, "ann", progress, kinds=KINDS)
    assert caught.type in (KeyboardInterrupt, Cancelled)
    with store.reading() as connection:
        (job,) = jobs.list_jobs(connection)
    assert job.state == "cancelled"
    assert not is_alive(pids[0])


def test_over_http_a_plan_is_a_job_that_can_be_watched_and_cancelled(
    store: Store, settings: Settings, key_for, client_of
):
    kinds = {"plan": "wfm_test_work:family"}
    app = create_app(store, settings, jobs=Jobs(store, settings, kinds=kinds), console=False)
    headers = key_for("planner")
    with client_of(app) as client:
        answer = client.post("/api/v1/plans", json={"start": "2026-03-09"}, headers=headers)
        assert answer.status_code == 202, answer.text
        place = answer.headers["location"]
        assert client.get(place, headers=headers).json()["request"]["start"] == "2026-03-09"
        until(store, answer.json()["job_id"], process_of)

        cancelled = client.post(f"{place}/cancel", headers=headers)
        assert cancelled.json()["state"] == "cancelled"
        assert client.post(f"{place}/cancel", headers=headers).status_code == 200
        assert client.get("/api/v1/jobs/none", headers=headers).status_code == 404
        assert client.post(f"{place}/cancel", headers=key_for("auditor")).status_code == 403


def test_an_order_that_cannot_be_is_told_before_it_is_queued(client, key_for):
    headers = key_for("planner")
    answer = client.post(
        "/api/v1/plans", json={"start": "2026-03-09", "weeks": 99}, headers=headers
    )
    assert answer.status_code == 400
    assert "1 to 8 weeks" in answer.json()["detail"]
