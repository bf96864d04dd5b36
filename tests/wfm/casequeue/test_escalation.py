"""The ladder of escalation, and escalation by hand; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from wfm.calendars import before_open_seconds, open_seconds
from wfm.care import Care, Rung, Triage
from wfm.casequeue.claims import release
from wfm.casequeue.escalation import climb, escalate, slack_s
from wfm.errors import Conflict, IllegalMove, LeaseLost, RequestError
from wfm.store import cases, tables
from wfm.store.queueevents import latest

LADDER = (
    Rung(600, "severity", severity=3),
    Rung(300, "open"),
    Rung(0, "queue", queue="chat"),
    Rung(-300, "alert"),
)

# What is about no statement of its own is shown on one database.
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture
def ladder(staffed):
    """Cases are due 15 minutes after they came; they climb at 10, 5, 0 and -5 minutes' slack."""
    staffed.brand = replace(staffed.brand, care=Care(ladder=LADDER))
    return staffed


def rungs(desk) -> list[tuple[int, int]]:
    return [(one.case_id, one.rung) for one in climb(desk.store, brand=desk.brand)]


def put(desk, case_id: int, **values) -> None:
    with desk.store.writing("test") as w:
        w.connection.execute(
            tables.cases.update().where(tables.cases.c.case_id == case_id).values(values)
        )


def test_a_waiting_case_climbs_each_rung_once_as_its_slack_goes(ladder):
    case_id = ladder.message().case_id
    put(ladder, case_id, needs_level=4)
    found = []
    for _ in range(24):
        found += [(rung, ladder.clock.at.minute) for _, rung in rungs(ladder)]
        ladder.clock.move(minutes=1)
    assert found == [(1, 5), (2, 10), (3, 15), (4, 20)]
    case = ladder.case(case_id)
    assert (case.severity, case.needs_level, case.queue, case.escalation) == (3, 1, "chat", 4)
    with ladder.store.reading() as connection:
        texts = [e.text for e in cases.events_of(connection, case_id) if e.kind == "escalated"]
        told = latest(connection, "case.escalated")
    assert texts == [
        "rung 1 of 4, 10 min left: severity 3",
        "rung 2 of 4, 5 min left: any agent of x may take it",
        "rung 3 of 4, due now: to chat",
        "rung 4 of 4, 5 min late: alert",
    ]
    assert (told.body["case_id"], told.body["rung"], told.body["slack_s"]) == (case_id, 4, -300)


@on_sqlite
def test_whoever_looks_late_sees_every_rung_climbed(ladder):
    case_id = ladder.message().case_id
    ladder.clock.move(hours=1)
    assert rungs(ladder) == [(case_id, rung) for rung in (1, 2, 3, 4)]
    assert rungs(ladder) == []


@on_sqlite
def test_a_case_that_is_held_does_not_climb_and_goes_on_from_its_rung(ladder):
    case_id = ladder.message().case_id
    ladder.clock.move(minutes=5)
    assert rungs(ladder) == [(case_id, 1)]
    held = ladder.take()
    ladder.clock.move(minutes=6)
    assert rungs(ladder) == []
    release(ladder.store, case_id, held.lease_token, actor="agent:amy")
    assert rungs(ladder) == [(case_id, 2)]


@on_sqlite
def test_after_an_answer_the_ladder_begins_at_its_foot(ladder):
    case_id = ladder.message().case_id
    ladder.clock.move(minutes=6)
    rungs(ladder)
    ladder.answer(ladder.take())
    assert ladder.case(case_id).escalation == 0
    ladder.message()
    goal = ladder.case(case_id)
    ladder.clock.at = goal.due_at - timedelta(minutes=9)
    assert rungs(ladder) == [(case_id, 1)]


@on_sqlite
def test_slack_is_open_time(ladder):
    """mail shuts at 19:00 UTC: at 18:58 what is due at 07:10 has twelve minutes."""
    mail = ladder.brand.queue("mail")
    evening = ladder.clock.at.replace(hour=18, minute=58)
    morning = evening.replace(hour=7, minute=10) + timedelta(days=1)
    assert slack_s(mail, morning, evening) == 12 * 60
    assert slack_s(mail, evening, morning) == -12 * 60
    ladder.clock.at = evening.replace(minute=50)
    case_id = ladder.message(queue="mail").case_id
    put(ladder, case_id, due_at=morning)
    ladder.clock.at = evening
    assert rungs(ladder) == []
    ladder.clock.move(minutes=2)
    assert rungs(ladder) == [(case_id, 1)]
    ladder.clock.move(hours=12)  # still shut
    assert rungs(ladder) == []
    ladder.clock.move(minutes=5)
    assert rungs(ladder) == [(case_id, 2)]


@on_sqlite
def test_what_is_late_in_a_shut_queue_does_not_stand_in_the_way_of_others(ladder, monkeypatch):
    monkeypatch.setattr("wfm.casequeue.escalation.BATCH", 1)
    late, next_day = (ladder.message(name, queue="mail").case_id for name in ("ann", "ben"))
    evening = ladder.clock.at.replace(hour=18, minute=58)
    put(ladder, late, due_at=evening, escalation=3)  # the last rung is 5 open minutes behind it
    put(ladder, next_day, due_at=evening.replace(hour=7, minute=8) + timedelta(days=1))
    ladder.clock.at = evening.replace(hour=23)
    assert rungs(ladder) == [(next_day, 1)]
    ladder.clock.at = evening.replace(hour=7, minute=3) + timedelta(days=1)
    assert (late, 4) in rungs(ladder)


@on_sqlite
def test_the_instant_before_so_much_open_time_has_just_so_much_after_it(ladder):
    window = ladder.brand.queue("mail").window
    for hours in (0, 5, 12, 21):
        at = ladder.clock.at + timedelta(hours=hours)
        for seconds in (1, 300, 50_000):
            assert open_seconds(window, before_open_seconds(window, at, seconds), at) == seconds
    assert before_open_seconds(window, at, 1e9) == at - timedelta(days=31)


def test_more_cases_than_go_into_one_transaction_all_climb(ladder, monkeypatch):
    monkeypatch.setattr("wfm.casequeue.escalation.BATCH", 3)
    ids = [ladder.message(f"author{i}").case_id for i in range(8)]
    ladder.clock.move(minutes=5)
    first = climb(ladder.store, brand=ladder.brand, limit=6)
    assert [(one.case_id, one.rung) for one in first] == [(case_id, 1) for case_id in ids[:6]]
    assert rungs(ladder) == [(case_id, 1) for case_id in ids[6:]]


@on_sqlite
@pytest.mark.parametrize("flag", ["regulator", "sensitive"])
def test_cases_of_the_few_stay_with_specialists_however_late(ladder, flag):
    case_id = ladder.message().case_id
    put(ladder, case_id, needs_level=4, flags=[flag])
    ladder.clock.move(hours=1)
    rungs(ladder)
    case = ladder.case(case_id)
    assert (case.queue, case.needs_level, case.severity) == ("x", 4, 3)


# -- by hand -------------------------------------------------------------------------------------


def hand_over(desk, case_id: int, reason: str = "asks for a lawyer", **options):
    return escalate(desk.store, case_id, reason, brand=desk.brand, actor="agent:amy", **options)


@on_sqlite
def test_an_agent_hands_a_case_to_those_with_more_skill(staffed):
    case_id = staffed.message().case_id
    held = staffed.take()
    case = hand_over(staffed, case_id, lease_token=held.lease_token)
    assert (case.state, case.agent_id, case.needs_level) == ("new", None, 4)
    assert case.due_at == held.case.due_at
    assert staffed.kinds(case_id) == ["opened", "claimed", "released", "escalated"]
    with pytest.raises(Conflict, match="with the specialists already"):
        hand_over(staffed, case_id)
    with pytest.raises(LeaseLost):
        hand_over(staffed, case_id, lease_token=held.lease_token)


@on_sqlite
def test_where_specialists_have_a_queue_the_case_goes_there(staffed):
    staffed.brand = replace(staffed.brand, care=Care(triage=Triage(specialist_queue="chat")))
    case_id = staffed.message().case_id
    staffed.take()
    case = hand_over(staffed, case_id)
    assert (case.queue, case.state, case.agent_id) == ("chat", "new", None)
    with pytest.raises(Conflict):
        hand_over(staffed, case_id)


@on_sqlite
def test_escalating_needs_a_reason_and_an_open_case(staffed):
    case_id = staffed.message().case_id
    with pytest.raises(RequestError, match="a reason has 1 to 200"):
        hand_over(staffed, case_id, " ")
    put(staffed, case_id, state="closed")
    with pytest.raises(IllegalMove, match="closed; reopen it"):
        hand_over(staffed, case_id)
