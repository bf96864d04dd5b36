"""Who is there: signing on and off, being heard of and falling silent; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from wfm.care import Care
from wfm.casequeue import presence
from wfm.casequeue.assignment import assign_waiting
from wfm.errors import IllegalMove, NotPresent, OffShift
from wfm.store import tables

# What is about no statement of its own is shown on one database.
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture
def there(desk):
    """amy and bob on shift from 08:00 to 12:00 and 13:00 to 17:00, two slots each."""
    eight = desk.clock.at.replace(hour=8)

    def hours(agent: str, start: int, end: int) -> dict:
        at = eight.replace(hour=start), eight.replace(hour=end)
        return desk.stretch(agent, slots=2, start=at[0], end=at[1])

    desk.publish(*(hours(a, *h) for a in ("amy", "bob") for h in ((8, 12), (13, 17))))
    return desk


def on(desk, agent: str = "amy"):
    return presence.sign_on(desk.store, agent, actor=f"agent:{agent}")


def beat(desk, agent: str = "amy"):
    return presence.heartbeat(desk.store, agent, actor=f"agent:{agent}")


def off(desk, agent: str = "amy"):
    return presence.sign_off(desk.store, agent, actor=f"agent:{agent}")


def away(desk, agent: str = "amy"):
    return presence.away(desk.store, agent, actor=f"agent:{agent}")


def here(desk) -> dict:
    with desk.store.reading() as connection:
        return presence.here(connection, desk.brand, desk.clock.at)


def expire(desk) -> tuple[str, ...]:
    return presence.expire_presence(desk.store, brand=desk.brand)


def spans(desk) -> list[tuple]:
    """Agent, state, and minutes after nine of start and end."""
    t = tables.presence_spans.c
    nine = desk.clock.at.replace(hour=9, minute=0, second=0)
    with desk.store.reading() as connection:
        rows = connection.execute(
            sa.select(t.agent_id, t.state, t.started_at, t.ended_at).order_by(t.started_at)
        ).all()
    return [
        (agent, state, *(int((at - nine) / timedelta(minutes=1)) for at in (start, end)))
        for agent, state, start, end in rows
    ]


def claimable(desk, agent: str = "amy") -> None:
    with desk.store.reading() as connection:
        presence.may_claim(connection, agent, desk.clock.at)


def test_who_is_on_shift_signs_on_and_is_there(there):
    assert here(there) == {}
    on(there)
    found = here(there)["amy"]
    assert (found.signed_on, found.free, found.since) == (True, 2, there.clock.at)
    assert set(here(there)) == {"amy"}


@on_sqlite
def test_nobody_signs_on_off_shift_and_is_told_when_they_could(there):
    there.clock.move(hours=3)  # 12:00, the meal
    with pytest.raises(OffShift, match="next on shift at 2026-03-02T13:00:00Z"):
        on(there)
    with pytest.raises(OffShift, match="no later shift"):
        on(there, "zoe")


@on_sqlite
def test_available_is_not_there_during_a_break_of_the_roster(there):
    there.clock.move(hours=2, minutes=59)
    on(there)
    assert "amy" in here(there)
    there.clock.move(minutes=1)
    beat(there)
    assert here(there) == {}
    assert expire(there) == ()  # a break is no end of the shift
    there.clock.move(hours=1)
    beat(there)
    assert "amy" in here(there)


def test_signing_off_lets_what_was_held_wait_again(there):
    case_id = there.message().case_id
    on(there)
    held = there.take("amy")
    off(there)
    case = there.case(case_id)
    assert (case.state, case.agent_id, case.due_at) == ("new", None, held.case.due_at)
    assert there.kinds(case_id) == ["opened", "claimed", "released"]
    assert there.count(tables.handlings) == 1


@on_sqlite
def test_who_is_away_keeps_what_they_hold_and_claims_nothing_new(there):
    case_id = there.message("ann").case_id
    there.message("ben")
    on(there)
    there.take("amy")
    there.clock.move(minutes=1)
    away(there)
    assert there.case(case_id).agent_id == "amy"
    assert here(there) == {}
    with pytest.raises(NotPresent, match=r"away since 2026-03-02T09:01:00Z .*; sign on first"):
        claimable(there)
    on(there)
    claimable(there)


def test_whose_word_it_was_decides_who_may_claim(there):
    claimable(there)  # never signed on
    on(there)
    there.clock.move(minutes=3)
    assert expire(there) == ("amy",)
    claimable(there)  # was given up for silence
    there.clock.move(minutes=1)
    on(there)
    off(there)
    with pytest.raises(NotPresent, match="has signed off"):
        claimable(there)
    there.clock.move(hours=9)
    claimable(there)  # said so on another day


def test_who_is_not_heard_of_is_off_and_their_cases_wait_again(there):
    case_id = there.message().case_id
    on(there, "amy")
    on(there, "bob")
    there.take("amy")
    there.clock.move(seconds=119)
    beat(there, "bob")
    assert expire(there) == ()
    there.clock.move(seconds=2)
    assert set(here(there)) == {"bob"}
    assert expire(there) == ("amy",)
    assert expire(there) == ()
    assert there.case(case_id).state == "new"
    assert there.kinds(case_id)[-1] == "expired"


@on_sqlite
def test_who_was_given_up_for_silence_is_back_with_the_next_heartbeat(there):
    on(there)
    there.clock.move(minutes=5)
    expire(there)
    there.clock.move(minutes=1)
    assert beat(there).state == "available"
    assert "amy" in here(there)
    off(there)
    with pytest.raises(IllegalMove, match="not signed on since"):
        beat(there)


@on_sqlite
@pytest.mark.parametrize("say", [beat, away, off])
def test_who_never_signed_on_is_told_to(there, say):
    with pytest.raises(IllegalMove, match="bob is not signed on; sign on first"):
        say(there, "bob")


@on_sqlite
def test_when_the_shift_is_over_the_presence_ends_with_the_last_case(there):
    there.clock.move(hours=7, minutes=58)
    on(there)
    there.message()
    held = there.take("amy")
    there.clock.move(minutes=3)
    beat(there)
    assert expire(there) == ()  # still at work
    there.answer(held)
    assert expire(there) == ("amy",)


def test_the_spans_of_a_day_tell_when_an_agent_was_available_and_away(there):
    on(there)
    there.clock.move(minutes=30)
    away(there)
    there.clock.move(minutes=10)
    on(there)
    there.clock.move(minutes=20)
    beat(there)
    there.clock.move(minutes=20)
    expire(there)  # silent: was there until last heard of
    there.clock.move(minutes=10)
    on(there)
    off(there)  # a span of no length is none
    assert spans(there) == [
        ("amy", "available", 0, 30),
        ("amy", "away", 30, 40),
        ("amy", "available", 40, 60),
    ]


@on_sqlite
def test_saying_it_twice_is_as_good_as_once(there):
    on(there)
    there.clock.move(minutes=1)
    assert on(there).since == there.clock.at - timedelta(minutes=1)
    off(there)
    there.clock.move(minutes=1)
    off(there)
    assert spans(there) == [("amy", "available", 0, 1)]
    assert there.count(tables.queue_events) == 2


@on_sqlite
def test_who_works_without_signing_on_is_seen_while_they_hold_a_case(there):
    there.message()
    held = there.take("bob")
    found = here(there)["bob"]
    assert (found.signed_on, found.held, found.free) == (False, 1, 1)
    there.answer(held)
    assert here(there) == {}


def test_a_case_is_never_given_to_somebody_who_is_just_leaving(there, at_once):
    """Claims, gifts and a sign-off at the same moment: afterwards the agent holds nothing."""
    there.brand = replace(there.brand, care=Care(automatic=True))

    def act(name: str) -> None:
        if name == "claim":
            there.claim("amy")
        elif name == "assign":
            assign_waiting(there.store, brand=there.brand, actor="service:queue")
        else:
            off(there)

    for i in range(6):
        there.message(f"author{i}")
    for _ in range(3):
        on(there)
        at_once(act, ["claim", "assign", "leave", "assign", "claim"])
        with there.store.reading() as connection:
            state = connection.scalar(sa.select(tables.presence.c.state))
            held = connection.scalar(
                sa.select(sa.func.count()).where(tables.cases.c.state == "assigned")
            )
        assert (state, held) == ("off", 0)
        there.clock.move(seconds=1)
