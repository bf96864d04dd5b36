"""Claims, leases, capacity and shifts; on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from wfm.casequeue.claims import close, expire_leases, release, renew
from wfm.casequeue.spike import set_spike_mode
from wfm.errors import IllegalMove, LeaseLost, NoFreeSlot, NotFound, OffShift, RequestError
from wfm.store import cases, tables, waiting


def test_a_claim_takes_the_case_that_is_due_first(staffed):
    later = staffed.message("ann")
    staffed.clock.move(minutes=-5)
    first = staffed.message("ben")
    assert staffed.take("amy").case.case_id == first.case_id
    assert staffed.take("bob").case.case_id == later.case_id


def test_severity_decides_between_equal_deadlines(staffed):
    staffed.message("ann")
    grave = staffed.message("ben", severity=2)
    assert staffed.take().case.case_id == grave.case_id


def test_a_claimed_case_is_held_on_a_lease_of_ten_minutes(staffed):
    staffed.message()
    held = staffed.take("amy").case
    assert (held.state, held.agent_id) == ("assigned", "amy")
    assert held.lease_until == staffed.clock.at + timedelta(minutes=10)


def test_a_claim_comes_back_empty_when_nothing_waits(staffed):
    assert staffed.claim() is None


def test_only_queues_of_the_agents_skills_are_claimed(desk):
    desk.publish(desk.stretch("amy", "chat"))
    desk.message("ann", queue="x")
    assert desk.claim("amy") is None
    chat = desk.message("ben", queue="chat")
    assert desk.take("amy").case.case_id == chat.case_id


def test_a_queue_whose_window_is_closed_is_not_claimed(staffed):
    staffed.message(queue="mail")
    staffed.clock.move(hours=-3)  # 06:00 UTC, 07:00 in Berlin
    assert staffed.claim() is None
    staffed.clock.move(hours=1)
    assert staffed.take().case.queue == "mail"


def test_without_a_published_roster_the_claim_says_so(desk):
    desk.message()
    with pytest.raises(OffShift, match="no roster is published"):
        desk.claim("amy")


def test_an_agent_off_shift_is_told_when_their_next_shift_starts(desk):
    evening = desk.clock.at.replace(hour=18)
    desk.publish(desk.stretch("amy", start=evening, end=evening + timedelta(hours=4)))
    desk.message()
    with pytest.raises(OffShift, match="not on shift at 2026-03-02T09:00:00Z; next on shift at "
                       "2026-03-02T18:00:00Z"):  # fmt: skip
        desk.claim("amy")
    with pytest.raises(OffShift, match="no later shift"):
        desk.claim("zoe")


def test_the_end_of_a_stretch_is_off_shift_and_its_start_is_on(desk):
    nine = desk.clock.at
    desk.publish(desk.stretch("amy", start=nine, end=nine + timedelta(hours=1)))
    desk.message("ann")
    assert desk.take("amy")
    desk.clock.move(hours=1)
    with pytest.raises(OffShift):
        desk.claim("amy")


def test_publishing_next_weeks_roster_takes_nobody_off_todays_queue(staffed):
    monday = staffed.clock.at.replace(hour=0) + timedelta(days=7)
    staffed.publish(
        staffed.stretch("cleo", start=monday, end=monday + timedelta(days=1)), start=monday
    )
    staffed.message()
    assert staffed.take("amy")


def test_a_newer_roster_of_today_replaces_the_older_one(staffed):
    staffed.publish(staffed.stretch("cleo"))
    staffed.message()
    with pytest.raises(OffShift):
        staffed.claim("amy")
    assert staffed.take("cleo")


def test_an_agent_with_all_slots_taken_is_told_to_answer_first(desk):
    desk.publish(desk.stretch("amy", slots=2))
    for author in ("ann", "ben", "cem"):
        desk.message(author)
    first = desk.take()
    desk.take()
    with pytest.raises(NoFreeSlot, match="amy holds 2 cases and has 2 slots"):
        desk.claim()
    desk.answer(first)
    assert desk.take()


def test_one_agent_claiming_from_many_places_at_once_stays_within_their_slots(desk, at_once):
    desk.publish(desk.stretch("amy", slots=2))
    for i in range(8):
        desk.message(f"author{i}")
    outcomes = at_once(lambda _: desk.take("amy").case.case_id, list(range(8)))
    refused = [o for o in outcomes if isinstance(o, NoFreeSlot)]
    assert len(refused) == 6
    assert len({o for o in outcomes if isinstance(o, int)}) == 2


def test_every_case_is_claimed_exactly_once_by_agents_in_parallel(desk, at_once):
    agents = [f"agent{i}" for i in range(6)]
    desk.publish(*(desk.stretch(agent, slots=50) for agent in agents))
    opened = {desk.message(f"author{i}").case_id for i in range(48)}

    def drain(agent: str) -> list[int]:
        taken = []
        while (claimed := desk.claim(agent)) is not None:
            taken.append(claimed.case.case_id)
        return taken

    drained = [case_id for taken in at_once(drain, agents) for case_id in taken]
    assert sorted(drained) == sorted(opened)


def test_a_claim_waits_for_the_only_case_while_another_transaction_handles_it(staffed):
    only = staffed.message()
    locked, done = threading.Event(), threading.Event()

    def hold_briefly() -> None:
        with staffed.store.writing("other") as writing:
            cases.lock_case(writing, only.case_id)
            locked.set()
            done.wait(0.3)

    other = threading.Thread(target=hold_briefly)
    other.start()
    locked.wait()
    claimed = staffed.claim("amy")
    done.set()
    other.join()
    assert claimed is not None
    assert claimed.case.case_id == only.case_id


# -- leases --------------------------------------------------------------------------------------


def test_a_lease_that_ran_out_lets_the_next_claim_take_the_case(staffed):
    staffed.message()
    late = staffed.take("amy")
    staffed.clock.move(minutes=10)
    taken = staffed.take("bob")
    assert taken.case.case_id == late.case.case_id
    assert staffed.kinds(late.case.case_id) == ["opened", "claimed", "expired", "claimed"]
    with pytest.raises(LeaseLost, match="held by bob"):
        staffed.answer(late)
    assert staffed.case(late.case.case_id).first_response_at is None


def test_an_answer_after_the_lease_ran_out_is_refused_even_if_nobody_took_the_case(staffed):
    staffed.message()
    late = staffed.take()
    staffed.clock.move(minutes=10)
    with pytest.raises(LeaseLost, match="waits again"):
        staffed.answer(late)


def test_expired_leases_free_the_agents_slots(staffed):
    staffed.message("ann")
    staffed.message("ben")
    staffed.take("amy")
    staffed.clock.move(minutes=10)
    assert staffed.take("amy")


def test_expiring_twice_does_it_once(staffed):
    case_id = staffed.message().case_id
    staffed.take()
    assert expire_leases(staffed.store, actor="service") == ()
    staffed.clock.move(minutes=11)
    assert expire_leases(staffed.store, actor="service") == (case_id,)
    assert expire_leases(staffed.store, actor="service") == ()
    assert staffed.case(case_id).agent_id is None


def test_a_renewed_lease_runs_from_the_renewal(staffed):
    staffed.message()
    held = staffed.take()
    staffed.clock.move(minutes=9)
    renewed = renew(
        staffed.store, held.case.case_id, held.lease_token,
        brand=staffed.brand, actor="agent:amy",
    )  # fmt: skip
    assert renewed.lease_until == staffed.clock.at + timedelta(seconds=staffed.brand.care.lease_s)
    staffed.clock.move(minutes=9)
    assert staffed.answer(held).state == "answered"


def test_a_released_case_keeps_its_deadline_and_is_first_again(staffed):
    taken = staffed.message()
    staffed.clock.move(minutes=1)
    staffed.message("ben")
    held = staffed.take("amy")
    release(staffed.store, held.case.case_id, held.lease_token, actor="agent:amy")
    again = staffed.take("bob").case
    assert (again.case_id, again.due_at) == (taken.case_id, held.case.due_at)


def test_a_lease_works_once_and_for_its_case_only(staffed):
    staffed.message("ann")
    staffed.message("ben")
    amys, bobs = staffed.take("amy"), staffed.take("bob")
    with pytest.raises(LeaseLost):
        release(staffed.store, bobs.case.case_id, amys.lease_token, actor="agent:amy")
    staffed.answer(amys)
    with pytest.raises(LeaseLost, match="is answered already"):
        staffed.answer(amys)


# -- answers and closing -------------------------------------------------------------------------


def test_the_first_answer_stops_the_first_response_for_good(staffed):
    case_id = staffed.message().case_id
    staffed.clock.move(minutes=4)
    first = staffed.answer(staffed.take()).first_response_at
    staffed.clock.move(minutes=30)
    staffed.message()
    staffed.answer(staffed.take())
    assert (
        staffed.case(case_id).first_response_at == first == staffed.clock.at - timedelta(minutes=30)
    )


def test_the_text_of_an_answer_is_kept_with_who_sent_it(staffed):
    case_id = staffed.message().case_id
    staffed.answer(staffed.take("amy"), "Bitte neu starten. 🙂 مرحبا <b>")
    with staffed.store.reading() as connection:
        last = cases.events_of(connection, case_id)[-1]
    assert (last.kind, last.agent_id, last.text) == (
        "answered",
        "amy",
        "Bitte neu starten. 🙂 مرحبا <b>",
    )


@pytest.mark.parametrize("text", ["", "  \n", "x" * 100_001, "nul\0"])
def test_an_answer_of_nothing_or_too_much_is_refused_and_the_lease_stays(staffed, text):
    staffed.message()
    held = staffed.take()
    with pytest.raises(RequestError, match="1 to 100000"):
        staffed.answer(held, text)
    assert staffed.case(held.case.case_id).state == "assigned"


def test_a_case_closes_with_a_reason_and_only_once(staffed):
    case_id = staffed.message().case_id
    closed = close(staffed.store, case_id, "spam", brand=staffed.brand, actor="lead:lee")
    assert closed.state == "closed"
    with pytest.raises(IllegalMove, match="is closed; it can go to new, not closed"):
        close(staffed.store, case_id, "spam", brand=staffed.brand, actor="lead:lee")
    with pytest.raises(RequestError, match="a reason"):
        close(staffed.store, case_id, " ", brand=staffed.brand, actor="lead:lee")


def test_a_held_case_is_closed_only_by_its_holder(staffed):
    case_id = staffed.message().case_id
    held = staffed.take("amy")
    with pytest.raises(LeaseLost, match="held by amy"):
        close(staffed.store, case_id, "duplicate", brand=staffed.brand, actor="agent:bob")
    close(
        staffed.store,
        case_id,
        "duplicate",
        brand=staffed.brand,
        actor="agent:amy",
        lease_token=held.lease_token,
    )
    assert staffed.kinds(case_id) == ["opened", "claimed", "closed"]


def test_acting_on_a_case_that_does_not_exist_is_told(staffed):
    with pytest.raises(NotFound, match="no case 99"):
        close(staffed.store, 99, "spam", brand=staffed.brand, actor="a")
    with pytest.raises(NotFound, match="no case 99"):
        release(staffed.store, 99, "token", actor="a")


# -- spike mode ----------------------------------------------------------------------------------


def test_in_spike_mode_every_fifth_claim_goes_to_a_late_case_and_the_rest_to_those_in_time(desk):
    desk.publish(desk.stretch("amy", slots=50))
    late = [desk.message(f"late{i}").case_id for i in range(5)]
    desk.clock.move(minutes=20)
    in_time = [desk.message(f"new{i}").case_id for i in range(10)]
    set_spike_mode(desk.store, "x", True, brand=desk.brand, actor="lead:lee")
    taken = [desk.take().case.case_id for _ in range(15)]
    assert taken == [*in_time[:4], late[0], *in_time[4:8], late[1], *in_time[8:], *late[2:]]


def test_spike_mode_of_one_queue_leaves_the_others_in_their_order(desk):
    desk.publish(desk.stretch("amy", slots=50))
    late_chat = desk.message("ann", queue="chat").case_id
    late_x = desk.message("amos", queue="x").case_id
    desk.clock.move(minutes=20)
    new_x = desk.message("ben", queue="x").case_id
    set_spike_mode(desk.store, "x", True, brand=desk.brand, actor="lead:lee")
    assert [desk.take().case.case_id for _ in range(3)] == [late_chat, new_x, late_x]


def test_spike_mode_is_audited_and_counts_anew(desk):
    desk.publish(desk.stretch("amy", slots=50))
    desk.message()
    for on in (True, False, True):
        set_spike_mode(desk.store, "x", on, brand=desk.brand, actor="lead:lee")
        desk.claim()
    with desk.store.reading() as connection:
        assert waiting.modes(connection) == {"x": waiting.Mode(True, 0, 0)}
    assert desk.count(tables.audit) == 3
    with pytest.raises(NotFound, match="no queue 'fax'"):
        set_spike_mode(desk.store, "fax", True, brand=desk.brand, actor="lead:lee")
