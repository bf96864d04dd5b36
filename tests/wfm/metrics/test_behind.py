"""Every count names the cases it counts; those forgotten are listed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from wfm.casequeue.claims import close
from wfm.casequeue.moves import pause
from wfm.casequeue.tasks import open_task
from wfm.errors import NotFound, RequestError
from wfm.metrics.behind import cases_behind, orphans
from wfm.metrics.definitions import DEFINITIONS
from wfm.metrics.ranges import measure


@pytest.fixture
def lived(desk):
    """A day with a case in every state."""
    desk.publish(desk.stretch("amy", slots=9, end=desk.clock.at + timedelta(days=3)))
    start = desk.clock.at
    for author in ("ann", "ben", "cem", "dan", "eva", "fay"):
        desk.message(author)
    for _ in range(2):
        held = desk.take()
        desk.clock.move(seconds=500)
        desk.answer(held)
    desk.message("ann")
    close(desk.store, 2, "solved", brand=desk.brand, actor="test")
    close(desk.store, 3, "thanks only", brand=desk.brand, actor="test")
    until = desk.clock.at + timedelta(days=1)
    pause(desk.store, 4, "parts", brand=desk.brand, actor="test", until=until)
    open_task(desk.store, 5, "callback", "call eva", due_at=until, actor="test")
    desk.clock.move(hours=2)
    desk.message("ben")
    return desk, start


def test_as_many_cases_stand_behind_a_count_as_it_says(lived):
    desk, start = lived
    end, now = desk.clock.at + timedelta(days=2), desk.clock.at
    with desk.store.reading() as connection:
        (whole,) = measure(connection, desk.brand, start, end, now=now)
        for one in DEFINITIONS:
            if one.unit != "count" or not one.cases or one.name == "contacts":
                continue
            page = cases_behind(connection, desk.brand, one.name, start, end, now=now)
            assert len(page.case_ids) == whole.figures[one.name], one.name
    assert whole.figures["answered"] == 2
    assert whole.figures["repeat_contacts"] + whole.figures["reopened"] == 1


def test_the_cases_behind_a_figure_come_page_by_page(lived):
    desk, start = lived
    seen, after = [], 0
    with desk.store.reading() as connection:
        while True:
            page = cases_behind(
                connection, desk.brand, "cases", start, desk.clock.at, now=desk.clock.at,
                after=after, limit=4,
            )  # fmt: skip
            seen += page.case_ids
            if page.next is None:
                break
            after = page.next
    assert seen == [1, 2, 3, 4, 5, 6]


def test_orphans_are_those_that_nobody_answers_plans_or_explains(lived):
    desk, start = lived
    with desk.store.reading() as connection:
        page = orphans(
            connection, desk.brand, start, desk.clock.at + timedelta(seconds=1), now=desk.clock.at
        )
    # 1 (ann wrote again) and 6 wait past their time; 5 does too, but a callback is planned.
    assert page.case_ids == (1, 6)


def test_an_unknown_figure_and_one_without_cases_are_told(lived):
    desk, start = lived
    with desk.store.reading() as connection:
        with pytest.raises(NotFound, match="no figure 'speed'"):
            cases_behind(connection, desk.brand, "speed", start, desk.clock.at, now=start)
        with pytest.raises(RequestError, match="spam is not told of cases"):
            cases_behind(connection, desk.brand, "spam", start, desk.clock.at, now=start)
