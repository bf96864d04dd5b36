"""The jobs table: which moves a job can make, on both databases."""

from __future__ import annotations

import pytest

from wfm.errors import IllegalMove, NotFound
from wfm.store import jobs
from wfm.store.engine import Store
from wfm.store.jobs import Job


@pytest.fixture
def queued(store: Store) -> str:
    with store.writing("ann") as writing:
        jobs.insert_job(writing, "job-1", "plan", {"weeks": 4})
    return "job-1"


def found(store: Store, job_id: str) -> Job:
    with store.reading() as connection:
        return jobs.load_job(connection, job_id)


def test_a_new_job_is_queued_and_says_who_wants_what(store: Store, queued: str):
    job = found(store, queued)
    assert (job.state, job.progress, job.actor) == ("queued", 0.0, "ann")
    assert (job.kind, job.request, job.messages) == ("plan", {"weeks": 4}, [])
    assert job.submitted_at == store.clock.now()


def test_a_job_that_is_done_keeps_its_result_and_moves_no_more(store: Store, queued: str):
    with store.writing("ann") as writing:
        assert jobs.start_job(writing, queued)
        assert jobs.keep_progress(writing, queued, 1.7, "s" * 500)
        assert jobs.finish_job(writing, queued, {"plan_id": 1})
        assert not jobs.start_job(writing, queued)
        assert not jobs.requeue_job(writing, queued, "waiting")
        assert not jobs.keep_progress(writing, queued, 0.1, "again")
        assert not jobs.fail_job(writing, queued, {"detail": "late"})
        assert not jobs.finish_job(writing, queued, {"plan_id": 2})
    job = found(store, queued)
    assert (job.state, job.progress, job.result) == ("done", 1.0, {"plan_id": 1})
    assert job.ended_at == store.clock.now()


def test_cancelling_twice_is_once_and_cancelling_what_ended_is_told(store: Store, queued: str):
    with store.writing("bob") as writing:
        jobs.cancel_job(writing, queued)
        jobs.cancel_job(writing, queued)
        assert not jobs.is_wanted(writing.connection, queued)
        assert not jobs.finish_job(writing, queued, {})
        jobs.insert_job(writing, "job-2", "plan", {})
        jobs.fail_job(writing, "job-2", {"detail": "no"})
        with pytest.raises(IllegalMove, match="job job-2 is failed; only a queued or running"):
            jobs.cancel_job(writing, "job-2")
    assert found(store, queued).state == "cancelled"


def test_messages_are_kept_in_order(store: Store, queued: str):
    with store.writing("ann") as writing:
        for text in ("one", "two"):
            jobs.add_message(writing, queued, {"text": text})
    assert [m["text"] for m in found(store, queued).messages] == ["one", "two"]


def test_a_job_that_is_not_there_is_told(store: Store):
    with store.writing("ann") as writing:
        with pytest.raises(NotFound, match="wfm job list"):
            jobs.cancel_job(writing, "none")
        assert not jobs.is_wanted(writing.connection, "none")


def test_jobs_are_listed_newest_first_and_by_state(store: Store, queued: str):
    with store.writing("ann") as writing:
        jobs.insert_job(writing, "job-2", "plan", {})
        jobs.start_job(writing, "job-2")
        connection = writing.connection
        assert [j.job_id for j in jobs.list_jobs(connection)] == ["job-2", "job-1"]
        assert [j.job_id for j in jobs.list_jobs(connection, limit=1)] == ["job-2"]
        assert [j.job_id for j in jobs.list_jobs(connection, states=("queued",))] == [queued]
