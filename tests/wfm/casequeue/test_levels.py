"""The levels of the plan, and the last good ones when it can no longer be read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.wfm.conftest import Desk
from wfm.casequeue import levels
from wfm.casequeue.levels import keep_levels, levels_now
from wfm.casequeue.outlook import BACK, look_ahead
from wfm.casequeue.presence import sign_on
from wfm.casequeue.staffed import staffed_now, tell_staffing
from wfm.errors import StoreBusy
from wfm.store import queueevents, tables
from wfm.store.queueevents import Position
from wfm.timegrid import INTERVAL, floor_interval

on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)

X, CHAT = frozenset({"x"}), frozenset({"chat", "x"})


def plan(desk: Desk, *, days: float = 1, expected: float = 8.0, effective: float = 0.9) -> int:
    """amy serves x and bob x and chat all day; a tenth of their time is lost."""
    plan_id = desk.publish(desk.stretch("amy", "x"), desk.stretch("bob", "chat x"), days=days)
    day = desk.clock.at.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [day + i * INTERVAL for i in range(round(96 * days))]
    with desk.store.writing("planner") as writing:
        writing.connection.execute(
            tables.plan_staffing.insert(),
            [
                {
                    "plan_id": plan_id, "queue": queue, "start": start, "scheduled": 1.0,
                    "effective": effective, "slots": 1.0, "required": 1.0,
                }
                for queue in ("x", "chat")
                for start in starts
            ],
        )  # fmt: skip
        forecast_id = add_forecast(writing, desk, plan_id=plan_id, kind="plan", days=days)
        writing.connection.execute(
            tables.forecast_rows.insert(), [row_of(forecast_id, at, expected) for at in starts]
        )
    return plan_id


def add_forecast(writing, desk: Desk, *, kind: str, days: float, plan_id: int | None = None) -> int:
    day = desk.clock.at.replace(hour=0, minute=0, second=0, microsecond=0)
    return writing.connection.scalar(
        tables.forecasts.insert()
        .values(
            kind=kind, starts_at=day, ends_at=day + timedelta(days=days), seed=1, plan_id=plan_id,
            inputs={}, summary={}, accuracy=[], noise={}, made_at=writing.at, actor="planner",
        )
        .returning(tables.forecasts.c.forecast_id)
    )  # fmt: skip


def row_of(forecast_id: int, at, mean: float) -> dict:
    figures = ("mean", "q025", "q10", "q50", "q80", "q90", "q95", "q975", "aht_s")
    parts = dict.fromkeys(("baseline", "holiday", "campaign", "correction"), 0.0)
    return {
        "forecast_id": forecast_id, "queue": "x", "start": at, "model": "naive",
        **dict.fromkeys(figures, mean), **parts,
    }  # fmt: skip


def now(desk: Desk, quarters: int = 4) -> levels.Levels | None:
    return levels_now(desk.store, now=desk.clock.at, quarters=quarters, back=BACK)


@on_sqlite
def test_the_plans_levels_are_its_own_while_it_covers_the_present(desk: Desk):
    plan(desk)

    found = now(desk)

    assert found is not None
    at = floor_interval(desk.clock.at)
    assert found.doubt == ""
    assert found.pools[at] == pytest.approx({X: 0.9, CHAT: 0.9})
    level = found.level("x", at)
    assert level is not None
    assert (level.effective, level.expected) == (0.9, 8.0)
    assert len(found.queues) == BACK + 1 + 4


def test_a_stored_intraday_update_speaks_before_the_plans_forecast(desk: Desk):
    plan(desk)
    at = floor_interval(desk.clock.at)
    with desk.store.writing("planner") as writing:
        update = add_forecast(writing, desk, kind="intraday", days=1)
        writing.connection.execute(
            tables.forecast_rows.insert(), [row_of(update, at + INTERVAL, 20.0)]
        )
    found = now(desk)
    assert found is not None
    expected = [found.level("x", at + i * INTERVAL) for i in range(2)]
    assert [one.expected for one in expected if one is not None] == [8.0, 20.0]


def test_after_the_roster_has_ended_the_last_good_levels_are_used_with_their_age(desk: Desk):
    plan(desk)
    assert keep_levels(desk.store, now=desk.clock.at)
    good = now(desk)
    desk.clock.move(days=3)

    found = now(desk)

    assert found is not None
    assert good is not None
    assert "no published roster covers the present" in found.doubt
    assert "3 days old" in found.doubt
    assert "2026-03-02T09:00:00Z" in found.doubt
    at = floor_interval(desk.clock.at)
    assert found.pools[at] == pytest.approx(good.pools[at - timedelta(days=3)])
    assert found.level("x", at) == good.level("x", at - timedelta(days=3))


@on_sqlite
def test_a_plan_that_cannot_be_read_is_replaced_by_the_last_good_levels(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    plan(desk)
    keep_levels(desk.store, now=desk.clock.at)

    def broken(*_: object) -> None:
        raise StoreBusy("planning is down")

    monkeypatch.setattr(levels, "read_plan", broken)
    found = now(desk)

    assert found is not None
    assert found.doubt.startswith("the plan cannot be read: planning is down")
    assert found.level("x", floor_interval(desk.clock.at)) is not None


@on_sqlite
def test_the_levels_are_kept_anew_every_hour_and_with_every_roster(desk: Desk):
    plan(desk)
    assert keep_levels(desk.store, now=desk.clock.at)
    desk.clock.move(minutes=30)
    assert not keep_levels(desk.store, now=desk.clock.at)
    desk.clock.move(minutes=30)
    assert keep_levels(desk.store, now=desk.clock.at)
    plan(desk, effective=0.8)
    assert keep_levels(desk.store, now=desk.clock.at)


@on_sqlite
def test_without_any_roster_there_are_no_levels(desk: Desk):
    assert now(desk) is None
    assert not keep_levels(desk.store, now=desk.clock.at)
    staffed = staffed_now(desk.store, brand=desk.brand, now=desk.clock.at)
    assert {(one.present, one.effective, one.net) for one in staffed} == {(0, None, None)}


# -- who is there --------------------------------------------------------------------------------


def agents(desk: Desk) -> dict[str, float]:
    with desk.store.reading() as connection:
        seen = look_ahead(connection, desk.brand, now(desk), desk.clock.at)
    return {name: one.agents for name, one in seen.items()}


@on_sqlite
def test_where_nobody_signs_on_the_plan_says_who_is_there(desk: Desk):
    plan(desk)
    assert agents(desk) == pytest.approx({"x": 1.8, "chat": 0.9, "mail": 0.0})


def test_where_people_sign_on_those_who_did_are_there(desk: Desk):
    plan(desk)
    sign_on(desk.store, "bob", actor="agent:bob")
    assert agents(desk) == pytest.approx({"x": 1.0, "chat": 1.0, "mail": 0.0})


@on_sqlite
def test_those_who_are_missing_are_told_as_people(desk: Desk):
    plan(desk)
    desk.clock.move(minutes=3)
    sign_on(desk.store, "bob", actor="agent:bob")
    for number in range(30):
        desk.message(f"a{number}")
    with desk.store.reading() as connection:
        reason = look_ahead(connection, desk.brand, now(desk), desk.clock.at)["x"].reason
    assert reason.endswith("late: 1 agent is there, where the plan has 2, 30 wait")


@on_sqlite
def test_what_came_lately_corrects_what_was_forecast(desk: Desk):
    plan(desk)

    def coming() -> float:
        with desk.store.reading() as connection:
            return look_ahead(connection, desk.brand, now(desk), desk.clock.at)["x"].coming

    quiet = coming()
    for number in range(30):
        desk.message(f"a{number}")

    assert quiet < 4 * 8.0
    assert coming() == pytest.approx(4 * 8.0 * (30 + 10) / (16 + 10))


def test_without_a_forecast_the_same_hour_of_last_week_is_expected(desk: Desk):
    week_ago = floor_interval(desk.clock.at) - timedelta(weeks=1)
    with desk.store.writing("import") as writing:
        writing.connection.execute(
            tables.volumes.insert(),
            [
                {
                    "queue": "x", "start": week_ago + i * INTERVAL, "source": "volumes",
                    "contacts": 12, "aht_s": None, "spread": False, "import_id": None,
                }
                for i in range(-2, 6)
            ],
        )  # fmt: skip
    with desk.store.reading() as connection:
        seen = look_ahead(connection, desk.brand, None, desk.clock.at)["x"]
    assert seen.forecast == 48
    assert seen.coming == pytest.approx(48 * 10 / (24 + 10))


# -- telling -------------------------------------------------------------------------------------


def told(desk: Desk) -> list[tuple[str, str]]:
    with desk.store.reading() as connection:
        return [
            (one.kind, one.queue or "")
            for one in queueevents.since(connection, Position())
            if one.kind.startswith("staffing.")
        ]


def test_a_change_of_the_staffing_is_told_once_and_a_gap_when_it_opens(desk: Desk):
    plan(desk, effective=0.4)
    tell_staffing(desk.store, brand=desk.brand)
    assert tell_staffing(desk.store, brand=desk.brand) == ()
    assert told(desk).count(("staffing.gap_opened", "x")) == 1

    sign_on(desk.store, "amy", actor="agent:amy")
    changed = tell_staffing(desk.store, brand=desk.brand)

    assert [(one.queue, one.present) for one in changed] == [("x", 1)]
    assert told(desk).count(("staffing.gap_opened", "x")) == 1
    assert told(desk)[-1] == ("staffing.changed", "x")
