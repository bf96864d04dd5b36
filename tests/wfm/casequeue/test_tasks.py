"""Tasks of cases: set, told when due, done; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from wfm.casequeue.claims import close
from wfm.casequeue.merging import merge
from wfm.casequeue.moves import pause
from wfm.casequeue.tasks import cancel_task, finish_task, open_task, tell_due
from wfm.errors import Conflict, IllegalMove, NotFound, RequestError
from wfm.store import tasks as rows
from wfm.store.clocks import clocks_of
from wfm.store.queueevents import latest
from wfm.store.tasks import find_task, page_of_tasks

# What is about no statement of its own is shown on one database.
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def set_task(desk, case_id: int, kind: str = "follow_up", minutes: float = 60, **options):
    due = desk.clock.at + timedelta(minutes=minutes)
    title = options.pop("title", "is it solved?")
    return open_task(desk.store, case_id, kind, title, due_at=due, actor="agent:amy", **options)


def tell(desk) -> list[int]:
    return [task.task_id for task in tell_due(desk.store, brand=desk.brand)]


def task(desk, task_id: int):
    with desk.store.reading() as connection:
        return find_task(connection, task_id)


@pytest.fixture
def answered(staffed) -> int:
    """A case that was answered at once."""
    case_id = staffed.message().case_id
    staffed.answer(staffed.take())
    return case_id


def test_an_answered_case_waits_again_when_its_follow_up_is_due(staffed, answered):
    found = set_task(staffed, answered)
    staffed.clock.move(minutes=59)
    assert tell(staffed) == []
    staffed.clock.move(minutes=1)
    assert tell(staffed) == [found.task_id]
    assert tell(staffed) == []
    case = staffed.case(answered)
    assert (case.state, case.received_at, case.due_goal) == ("new", staffed.clock.at, "follow_up")
    assert staffed.kinds(answered) == ["opened", "claimed", "answered", "task", "follow_up"]
    with staffed.store.reading() as connection:
        running = [one.clock for one in clocks_of(connection, answered) if one.clock.due_at]
        told = latest(connection, "task.due")
    assert ("next_reply", case.due_at) in [(one.metric, one.due_at) for one in running]
    assert told.body["task_id"] == found.task_id


@on_sqlite
def test_a_follow_up_ends_with_the_answer_that_it_led_to(staffed, answered):
    found = set_task(staffed, answered)
    staffed.clock.move(hours=1)
    tell(staffed)
    assert task(staffed, found.task_id).is_overdue(staffed.clock.at)
    staffed.clock.move(minutes=1)
    staffed.answer(staffed.take(), "And now?")
    tell(staffed)
    assert task(staffed, found.task_id).state == "done"


def test_a_closed_case_is_opened_again_by_its_follow_up(staffed, answered):
    set_task(staffed, answered)
    close(staffed.store, answered, "solved", brand=staffed.brand, actor="agent:amy")
    staffed.clock.move(hours=1)
    tell(staffed)
    case = staffed.case(answered)
    assert (case.state, case.closed_at, case.received_at) == ("new", None, staffed.clock.at)


def test_where_the_author_writes_in_another_case_the_closed_one_stays_closed(staffed, answered):
    set_task(staffed, answered)
    close(staffed.store, answered, "solved", brand=staffed.brand, actor="agent:amy")
    staffed.clock.move(days=8)
    other = staffed.message().case_id
    assert other != answered
    tell(staffed)
    assert staffed.case(answered).state == "closed"
    assert staffed.kinds(answered)[-1] == "follow_up"


@on_sqlite
def test_a_case_that_waits_keeps_its_place_when_a_follow_up_is_due(staffed):
    case_id = staffed.message().case_id
    due_at = staffed.case(case_id).due_at
    set_task(staffed, case_id, minutes=5)
    staffed.clock.move(minutes=5)
    tell(staffed)
    assert staffed.case(case_id).due_at == due_at
    assert staffed.kinds(case_id) == ["opened", "task", "follow_up"]


@on_sqlite
def test_a_paused_case_runs_on_when_its_follow_up_is_due(staffed):
    case_id = staffed.message().case_id
    pause(staffed.store, case_id, "a part", until=staffed.clock.at + timedelta(days=1),
          brand=staffed.brand, actor="lead:lee")  # fmt: skip
    set_task(staffed, case_id)
    staffed.clock.move(hours=1)
    tell(staffed)
    case = staffed.case(case_id)
    assert (case.state, case.paused_until) == ("new", None)
    assert case.due_at == staffed.clock.at + timedelta(minutes=15)


def test_the_follow_up_of_a_merged_case_is_about_the_one_it_went_into(staffed, answered):
    set_task(staffed, answered)
    kept = staffed.message("ben").case_id
    staffed.answer(staffed.take())
    merge(staffed.store, answered, into=kept, brand=staffed.brand, actor="lead:lee")
    staffed.clock.move(hours=1)
    tell(staffed)
    assert staffed.case(kept).state == "new"
    with pytest.raises(Conflict, match=f"merged into case {kept}; set the task there"):
        set_task(staffed, answered)


@on_sqlite
def test_a_follow_up_whose_case_is_merged_while_it_is_told_reopens_no_merged_case(
    staffed, answered, monkeypatch
):
    set_task(staffed, answered)
    kept = staffed.message("ben").case_id
    staffed.answer(staffed.take())
    merge(staffed.store, answered, into=kept, brand=staffed.brand, actor="lead:lee")
    staffed.clock.move(hours=1)
    looked = rows.to_tell
    seen = []

    def as_before_the_merge(*args, **options):
        found = looked(*args, **options)
        seen.append(found)
        return dict.fromkeys(found, answered) if len(seen) == 1 else found

    monkeypatch.setattr(rows, "to_tell", as_before_the_merge)
    assert len(tell(staffed)) == 1
    assert (staffed.case(answered).state, staffed.case(kept).state) == ("closed", "new")


@on_sqlite
def test_other_tasks_are_told_when_due_and_leave_the_case_alone(staffed, answered):
    found = set_task(staffed, answered, "team", team="legal", title="may we say so?")
    staffed.clock.move(hours=1)
    assert tell(staffed) == [found.task_id]
    assert staffed.case(answered).state == "answered"
    staffed.clock.move(hours=1)
    assert task(staffed, found.task_id).is_overdue(staffed.clock.at)
    done = finish_task(staffed.store, found.task_id, "yes, with care", actor="agent:amy")
    assert (done.state, done.result, done.ended_at) == ("done", "yes, with care", staffed.clock.at)
    assert not done.is_overdue(staffed.clock.at)
    with pytest.raises(IllegalMove, match="is done already"):
        cancel_task(staffed.store, found.task_id, "no", actor="agent:amy")


def test_tasks_are_listed_by_the_time_they_are_due_a_page_at_a_time(staffed, answered):
    ids = [set_task(staffed, answered, minutes=m).task_id for m in (30, 10, 20, 10)]
    cancel_task(staffed.store, ids[3], "twice", actor="agent:amy")
    with staffed.store.reading() as connection:
        first = page_of_tasks(connection, state="open", limit=2)
        rest = page_of_tasks(connection, state="open", after=first[-1].task_id)
        overdue = page_of_tasks(connection, state="open",
                                due_by=staffed.clock.at + timedelta(minutes=10))  # fmt: skip
    assert [one.task_id for one in (*first, *rest)] == [ids[1], ids[2], ids[0]]
    assert [one.task_id for one in overdue] == [ids[1]]


@on_sqlite
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"title": "  "}, "a title has 1 to 200"),
        ({"minutes": 0}, "due in the future; 2026-03-02T09:00:00Z is past"),
        ({"kind": "fax"}, "no task is a 'fax'; take follow_up, callback, email, team"),
        ({"kind": "team"}, "names the team"),
        ({"kind": "callback", "team": "legal"}, "names the team"),
        ({"kind": "team", "team": "legal", "agent_id": "amy"}, "an agent's or a team's, not both"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(staffed, answered, options, told):
    with pytest.raises(RequestError, match=told):
        set_task(staffed, answered, **options)


@on_sqlite
def test_tasks_of_nobody_and_of_no_case_are_not_found(staffed, answered):
    assert set_task(staffed, answered, "callback", agent_id="bob").agent_id == "bob"
    with pytest.raises(NotFound, match="no agent 'zoe'"):
        set_task(staffed, answered, "callback", agent_id="zoe")
    with pytest.raises(NotFound, match="no case 99"):
        set_task(staffed, 99)
    with pytest.raises(NotFound, match="no task 99"):
        finish_task(staffed.store, 99, "done", actor="agent:amy")
