"""Jobs when the store and the job engine are on PostgreSQL: the same code, the same answers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from api.jobs import Jobs, run_job
from wfm.settings import Settings
from wfm.store import jobs
from wfm.store.engine import open_store

pytestmark = pytest.mark.postgres

WORK = """
def answer(work):
    work.progress(0.5, "half-way")
    return {"answer": work.request["number"] + 1}
"""


def test_the_service_and_a_command_carry_jobs_out_on_postgres(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "wfm_test_postgres_work.py").write_text(WORK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    kinds = {"answer": "wfm_test_postgres_work:answer"}
    settings = Settings(home=tmp_path / "home", database_url=postgres_url)
    store = open_store(settings.store_url)
    try:
        with Jobs(store, settings, kinds=kinds).started() as runner:
            job_id = runner.submit("answer", {"number": 41}, "ann")
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                with store.reading() as connection:
                    job = jobs.load_job(connection, job_id)
                if not job.is_open:
                    break
                time.sleep(0.1)
        assert (job.state, job.result) == ("done", {"answer": 42})
        assert run_job(store, settings, "answer", {"number": 1}, "bob", kinds=kinds) == {
            "answer": 2
        }
    finally:
        store.close()
    assert not (settings.home / "jobs.sqlite").exists()
