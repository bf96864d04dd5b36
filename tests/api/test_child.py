"""What a job came to is kept though others write; its progress waits for nobody."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api import child
from wfm.errors import StoreBusy
from wfm.settings import Settings
from wfm.store import jobs
from wfm.store.engine import Store, open_store
from wfm.store.jobs import Job


@pytest.fixture
def store(settings: Settings, ready_home: Path) -> Iterator[Store]:
    """A store whose writers lose patience soon."""
    opened = open_store(settings.store_url, busy_s=0.1)
    yield opened
    opened.close()


@pytest.fixture
def job(store: Store) -> Job:
    with store.writing("ann") as writing:
        jobs.insert_job(writing, "job-1", "plan", {})
    return found(store)


def found(store: Store) -> Job:
    with store.reading() as connection:
        return jobs.load_job(connection, "job-1")


@contextmanager
def import_running(store: Store) -> Iterator[sqlite3.Connection]:
    """Another process writes."""
    other = sqlite3.connect(str(store.engine.url.database), check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_progress_waits_for_nobody_and_is_told_when_the_store_is_free(store: Store, job: Job):
    with import_running(store):
        begun = time.monotonic()
        child._keep(store, job, {"stage": "solving", "done": 0.5})
        assert time.monotonic() - begun < 0.1
    assert found(store).stage == "waiting"
    child._keep(store, job, {"stage": "solving", "done": 0.5})
    assert found(store).stage == "solving"


def test_a_result_is_kept_however_long_others_write(store: Store, job: Job):
    with import_running(store) as other:
        threading.Timer(0.5, other.rollback).start()
        child._conclude(store, job, {"result": {"plan_id": 1}}, 0)
    assert (found(store).state, found(store).result) == ("done", {"plan_id": 1})


def test_insisting_has_an_end(store: Store, job: Job, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(child, "TRIES", 2)
    with import_running(store), pytest.raises(StoreBusy):
        child._conclude(store, job, {"result": {}}, 0)
