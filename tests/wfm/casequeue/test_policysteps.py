"""The policy at work: what a predicted breach sets in motion, and how all of it is undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.wfm.conftest import Desk
from wfm.care import Care, Policy, PolicyStep
from wfm.casequeue.policysteps import ACKNOWLEDGEMENT, hold_step, predict_and_act
from wfm.casequeue.policyview import PolicyNow, policies_now
from wfm.casequeue.spike import set_spike_mode
from wfm.errors import NotFound, RequestError
from wfm.sla import ServiceGoal
from wfm.store import cases, queueevents, tables, waiting
from wfm.store.queueevents import Position

# What each statement does is alike on both; those that change most run on both.
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)

STEPS = (
    PolicyStep("acknowledge", 0),
    PolicyStep("put_off", 300),
    PolicyStep("spike_mode", 1800),
    PolicyStep("call_out", 1800),
)


@pytest.fixture
def thin(desk: Desk) -> Desk:
    """Two agents for three queues, of which mail may wait longest; they never sign on."""
    slow = replace(desk.brand.queue("mail"), goals=(ServiceGoal.first_response(within_s=7200),))
    queues = tuple(slow if queue.name == "mail" else queue for queue in desk.brand.queues)
    desk.brand = replace(desk.brand, queues=queues, care=Care(policy=Policy(steps=STEPS)))
    desk.publish(desk.stretch("amy"), desk.stretch("bob"))
    return desk


def staffed_levels(desk: Desk, plan_id: int) -> None:
    """Levels for the plan's first day, as many as the two on shift."""
    day = desk.clock.at.replace(hour=0, minute=0)
    with desk.store.writing("planner") as writing:
        writing.connection.execute(
            tables.plan_staffing.insert(),
            [
                {
                    "plan_id": plan_id,
                    "queue": queue.name,
                    "start": day + timedelta(minutes=15 * i),
                    "scheduled": 0.7,
                    "effective": 0.7,
                    "slots": 0.7,
                    "required": 1.0,
                }
                for queue in desk.brand.queues
                for i in range(96)
            ],
        )


@pytest.fixture
def swamped(thin: Desk) -> Desk:
    """Sixteen messages in x, for two agents."""
    with thin.store.reading() as connection:
        plan_id = connection.scalar(tables.plans.select().with_only_columns(tables.plans.c.plan_id))
    staffed_levels(thin, plan_id)
    for number in range(16):
        thin.message(f"a{number}")
    return thin


def look(desk: Desk):
    return predict_and_act(desk.store, brand=desk.brand)


def policy_of(desk: Desk, queue: str = "x") -> PolicyNow:
    with desk.store.reading() as connection:
        return next(p for p in policies_now(connection, desk.brand) if p.queue == queue)


def told(desk: Desk, kind: str) -> list[dict]:
    with desk.store.reading() as connection:
        return [
            dict(one.body) for one in queueevents.since(connection, Position()) if one.kind == kind
        ]


def go_on(desk: Desk, minutes: int) -> list[str]:
    """Look every 5 minutes; gives the actions taken (+) and taken back (-) meanwhile."""
    done = []
    for _ in range(0, minutes, 5):
        desk.clock.move(minutes=5)
        done += [f"{'+' if s.taken else '-'}{s.action}" for s in look(desk).steps]
    return done


def clear(desk: Desk) -> None:
    """All that waits is gone at once."""
    with desk.store.writing("test") as writing:
        writing.connection.execute(tables.cases.update().values(state="closed"))


@on_sqlite
def test_a_predicted_breach_is_told_with_when_and_why(swamped: Desk):
    assert look(swamped).told == ("x",)

    outlook = policy_of(swamped).outlook
    assert outlook is not None
    assert outlook["waiting"] == 16
    assert outlook["breaks_at"] == "2026-03-02T09:00:00Z"
    assert "16 wait" in outlook["reason"]
    event = told(swamped, "sla.breach_predicted")
    assert [body["reason"] for body in event] == [outlook["reason"]]
    assert "quarters" not in event[0]


@on_sqlite
def test_the_same_breach_is_told_once(swamped: Desk):
    look(swamped)
    go_on(swamped, 5)
    assert len(told(swamped, "sla.breach_predicted")) == 1


@on_sqlite
def test_a_breach_that_grows_much_worse_is_told_again(swamped: Desk):
    look(swamped)
    for number in range(45):
        swamped.message(f"more{number}")
    swamped.clock.move(minutes=1)
    assert look(swamped).told == ("x",)


@on_sqlite
def test_what_waits_is_acknowledged_at_once_and_what_comes_at_the_next_look(swamped: Desk):
    assert look(swamped).acknowledged == 16
    swamped.clock.move(minutes=1)
    late = swamped.message("late")

    assert look(swamped).acknowledged == 1

    assert swamped.kinds(late.case_id) == ["opened", "acknowledged"]
    case = swamped.case(late.case_id)
    assert case.first_any_at == swamped.clock.at
    assert case.first_response_at is None
    with swamped.store.reading() as connection:
        assert cases.events_of(connection, late.case_id)[1].text == ACKNOWLEDGEMENT


@on_sqlite
def test_flagged_cases_are_for_people_alone(swamped: Desk):
    flagged = swamped.message("reg").case_id
    with swamped.store.writing("test") as writing:
        cases.update_case(writing, flagged, {"flags": ["regulator"]})
    look(swamped)
    assert "acknowledged" not in swamped.kinds(flagged)


def test_the_steps_come_in_their_order_and_go_in_reverse(swamped: Desk):
    assert [step.action for step in look(swamped).steps] == ["acknowledge"]
    assert go_on(swamped, 30) == ["+put_off", "+spike_mode", "+call_out"]
    assert policy_of(swamped).spike_mode
    # The queue that promises the longest and is open is put off.
    assert policy_of(swamped, "mail").put_off_s == 3600

    clear(swamped)
    assert go_on(swamped, 65) == ["-call_out", "-spike_mode", "-put_off", "-acknowledge"]

    after = policy_of(swamped)
    assert not after.spike_mode
    assert not after.breaks
    assert policy_of(swamped, "mail").put_off_s == 0
    reasons = [(body["action"], body["taken"]) for body in told(swamped, "policy.step")]
    assert len(reasons) == 8
    assert all(body["reason"] for body in told(swamped, "policy.step"))


@on_sqlite
def test_the_call_out_names_those_whose_shift_begins_next(swamped: Desk):
    noon = swamped.clock.at + timedelta(hours=3)
    with swamped.store.writing("planner") as writing:
        plan_id = writing.connection.scalar(
            tables.plans.select().with_only_columns(tables.plans.c.plan_id)
        )
        writing.connection.execute(
            tables.plan_on_shift.insert(),
            [{"plan_id": plan_id, **swamped.stretch("cy", start=noon)}],
        )
    look(swamped)
    go_on(swamped, 30)
    called = [b for b in told(swamped, "policy.step") if b["action"] == "call_out"]
    assert called[0]["what"]["agents"] == ["cy"]
    assert "standby" in called[0]["what"]["because"]


def test_those_on_standby_are_called_first_and_those_named_before_them(swamped: Desk):
    with swamped.store.writing("planner") as writing:
        plan_id = writing.connection.scalar(
            tables.plans.select().with_only_columns(tables.plans.c.plan_id)
        )
        writing.connection.execute(
            tables.plan_roster.insert().values(
                plan_id=plan_id,
                agent_id="dee",
                start=swamped.clock.at,
                end=swamped.clock.at + timedelta(hours=8),
                activity="standby",
                queue="",
                template="",
                pinned=False,
            )
        )
    look(swamped)
    go_on(swamped, 30)
    called = [b for b in told(swamped, "policy.step") if b["action"] == "call_out"]
    assert called[0]["what"] == {"agents": ["dee"], "because": "they are on standby"}


@on_sqlite
def test_spike_mode_that_people_put_on_is_theirs_to_take_off(swamped: Desk):
    set_spike_mode(swamped.store, "x", True, brand=swamped.brand, actor="lead")
    look(swamped)
    go_on(swamped, 30)
    clear(swamped)
    go_on(swamped, 65)
    assert policy_of(swamped).spike_mode


def test_a_step_is_held_by_hand_and_let_go_and_both_are_audited(swamped: Desk):
    def hold(number: int, on: bool | None) -> list[tuple[str, bool]]:
        done = hold_step(swamped.store, "x", number, on, brand=swamped.brand, actor="console:lea")
        return [(step.action, step.taken) for step in done]

    assert hold(3, True) == [("spike_mode", True)]
    assert policy_of(swamped).steps[2].held is True
    look(swamped)
    assert hold(1, False) == [("acknowledge", False)]
    assert hold(3, None) == [("spike_mode", False)]
    assert not policy_of(swamped).spike_mode
    with swamped.store.reading() as connection:
        actions = connection.scalars(
            tables.audit.select().with_only_columns(tables.audit.c.action, tables.audit.c.actor)
        ).all()
    assert actions.count("policy.hold") == 3


@on_sqlite
def test_what_cannot_be_held_is_told(swamped: Desk):
    with pytest.raises(RequestError, match="steps 1 to 4"):
        hold_step(swamped.store, "x", 9, True, brand=swamped.brand, actor="lea")
    with pytest.raises(NotFound):
        hold_step(swamped.store, "y", 1, True, brand=swamped.brand, actor="lea")


@on_sqlite
def test_queues_are_looked_at_no_more_often_than_it_makes_sense(swamped: Desk):
    look(swamped)
    swamped.clock.move(seconds=5)
    assert look(swamped).told == ()
    assert policy_of(swamped).looked_at == swamped.clock.at - timedelta(seconds=5)


@on_sqlite
def test_with_nobody_on_shift_the_reason_says_so(desk: Desk):
    desk.message("ann")
    looked = predict_and_act(desk.store, brand=desk.brand)

    assert looked.doubt == "no roster was ever published"
    outlook = policy_of(desk).outlook
    assert outlook is not None
    assert "nobody is there" in outlook["reason"]


@on_sqlite
def test_a_quiet_desk_tells_nothing_and_takes_no_step(thin: Desk):
    looked = look(thin)
    assert (looked.told, looked.steps, looked.acknowledged) == ((), (), 0)


@on_sqlite
def test_waiting_cases_of_a_queue_that_is_put_off_come_later(swamped: Desk):
    mail = swamped.message("moe", queue="mail")
    look(swamped)
    go_on(swamped, 5)
    with swamped.store.reading() as connection:
        assert waiting.modes(connection)["mail"].put_off_s == 3600
    assert swamped.take("amy").case.case_id != mail.case_id
