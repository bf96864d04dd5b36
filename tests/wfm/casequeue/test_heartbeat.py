"""One tick does all that time brings about, and a part that fails stops no other."""

from __future__ import annotations

import sys
from datetime import timedelta
from subprocess import run

import pytest

from tests.wfm.conftest import Desk
from wfm.casequeue import engine
from wfm.casequeue.engine import PARTS, tick
from wfm.errors import StoreBusy
from wfm.store.turns import turn


def test_a_lease_that_ran_out_lets_its_case_wait_again(staffed: Desk):
    claimed = staffed.message("ann") and staffed.take("amy")
    staffed.clock.move(minutes=11)

    ticked = tick(staffed.store, brand=staffed.brand)

    assert ticked.done["leases"] == 1
    assert staffed.case(claimed.case.case_id).state == "new"


def test_nothing_fails_on_an_idle_desk_and_a_second_tick_does_nothing(staffed: Desk):
    first = tick(staffed.store, brand=staffed.brand)
    again = tick(staffed.store, brand=staffed.brand)

    assert (first.failed, again.failed) == ({}, {})
    assert set(first.done) == set(PARTS)
    assert not any(again.done.values())


def test_a_part_that_fails_is_told_and_the_others_are_done(
    staffed: Desk, monkeypatch: pytest.MonkeyPatch
):
    def busy(*_: object) -> int:
        raise StoreBusy("the database is being written by others")

    def broken(*_: object) -> int:
        raise ZeroDivisionError

    parts = {**PARTS, "presence": busy, "tasks": broken}
    monkeypatch.setattr(engine, "PARTS", parts)
    staffed.message("ann")
    staffed.take("amy")
    staffed.clock.move(minutes=11)

    ticked = tick(staffed.store, brand=staffed.brand)

    assert ticked.done["leases"] == 1
    assert ticked.failed["presence"] == "the database is being written by others"
    assert "ZeroDivisionError" in ticked.failed["tasks"]
    assert set(ticked.done) | set(ticked.failed) == set(PARTS)


def test_what_others_look_after_is_left_to_them(staffed: Desk):
    ticked = tick(staffed.store, brand=staffed.brand, without=("inbox", "outbox"))
    assert set(PARTS) - set(ticked.done) == {"inbox", "outbox"}


def test_what_is_done_once_a_day_is_done_once_a_day(staffed: Desk, monkeypatch: pytest.MonkeyPatch):
    days = []
    for _ in range(3):
        days.append(tick(staffed.store, brand=staffed.brand).done["retention"])
        staffed.clock.move(hours=8)
    assert days == [1, 0, 1]  # the third is past midnight in Berlin


def test_one_process_at_a_time_has_the_turn(staffed: Desk):
    with turn(staffed.store, "tick") as first, turn(staffed.store, "tick") as second:
        assert first
        # A SQLite store is served by one process.
        assert second == staffed.store.is_sqlite
    with turn(staffed.store, "tick") as later:
        assert later


def test_the_engine_and_all_it_calls_load_no_heavy_library():
    parts = (
        "claims timing presence tasks watching escalation policysteps assignment staffed outgoing"
    )
    modules = ", ".join(f"wfm.casequeue.{name}" for name in ("engine", *parts.split()))
    code = (
        f"import sys, {modules}\n"
        "heavy = {'pandas', 'numpy', 'pydantic', 'httpx', 'fastapi', 'pulp', 'statsmodels'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    told = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_time_is_what_the_caller_says(staffed: Desk):
    claimed = staffed.message("ann") and staffed.take("amy")
    later = staffed.clock.at + timedelta(minutes=11)

    ticked = tick(staffed.store, brand=staffed.brand, now=later)

    assert ticked.at == later
    assert staffed.case(claimed.case.case_id).state == "new"
