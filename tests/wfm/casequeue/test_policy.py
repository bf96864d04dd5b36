"""When a queue takes the steps of its policy and when it takes them back; by the law alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.care import Policy, PolicyStep
from wfm.casequeue.policy import (
    State,
    Taken,
    from_document,
    is_news,
    look,
    to_document,
    wanted,
)

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = Policy(
    steps=(
        PolicyStep("acknowledge", 0),
        PolicyStep("put_off", 300),
        PolicyStep("spike_mode", 600),
        PolicyStep("call_out", 1800),
    ),
    quiet_s=900,
)


def seen(*looks: bool, every_s: int = 60, policy: Policy = POLICY, state: State = State()) -> State:  # noqa: B008
    """The state after looks that saw a breach coming (True) or none."""
    begin = state.looked_at or BEGIN - timedelta(seconds=every_s)
    for number, breaks in enumerate(looks, start=1):
        state = look(state, policy, breaks=breaks, now=begin + timedelta(seconds=every_s * number))
    return state


def minutes(n: int) -> tuple[bool, ...]:
    """Looks that saw a breach for `n` minutes."""
    return (True,) * (n + 1)


def quiet(n: int) -> tuple[bool, ...]:
    return (False,) * (n + 1)


def test_steps_are_taken_in_order_each_after_its_time():
    reached = {n: len(wanted(seen(*minutes(n)), POLICY.steps)) for n in (0, 4, 5, 10, 29, 30)}
    assert reached == {0: 1, 4: 1, 5: 2, 10: 2, 29: 2, 30: 4}


def test_spike_mode_waits_for_two_predicted_quarter_hours_whatever_is_configured():
    assert 3 not in wanted(seen(*minutes(29)), POLICY.steps)
    assert 3 in wanted(seen(*minutes(30)), POLICY.steps)


def test_steps_are_taken_back_in_reverse_once_it_is_quiet_for_long_enough():
    taken = seen(*minutes(30))

    assert wanted(seen(*quiet(14), state=taken), POLICY.steps) == (1, 2, 3, 4)
    # Spike mode stays for four quiet quarter-hours, and what was taken before it with it.
    assert wanted(seen(*quiet(15), state=taken), POLICY.steps) == (1, 2, 3)
    assert wanted(seen(*quiet(59), state=taken), POLICY.steps) == (1, 2, 3)
    assert wanted(seen(*quiet(60), state=taken), POLICY.steps) == ()


def test_a_breach_predicted_again_ends_the_quiet():
    state = seen(*minutes(30))
    state = seen(*quiet(14), *minutes(1), *quiet(14), state=state)
    assert wanted(state, POLICY.steps) == (1, 2, 3, 4)


def test_a_short_lapse_goes_on_with_the_same_episode_and_a_long_one_begins_anew():
    state = seen(*minutes(4))
    assert wanted(seen(*quiet(5), *minutes(1), state=state), POLICY.steps) == (1, 2)
    later = seen(*quiet(40), *minutes(1), state=state)
    assert wanted(later, POLICY.steps) == (1,)
    assert later.began_at is not None
    assert later.began_at > BEGIN + timedelta(minutes=40)


def test_who_looks_after_a_long_pause_has_seen_one_interval_at_most():
    state = seen(True, True, every_s=6 * 3600)
    assert state.predicted_s == 900
    assert wanted(state, POLICY.steps) == (1, 2)


def test_a_held_step_is_as_people_want_it_whatever_is_predicted():
    calm = seen(False)
    busy = seen(*minutes(30))
    for state, held, expected in (
        (calm, {4: True}, (4,)),
        (busy, {1: False, 3: False}, (2, 4)),
    ):
        assert wanted(State(**{**vars(state), "holds": held}), POLICY.steps) == expected


def test_a_prediction_is_told_once_and_again_when_it_is_much_worse():
    state = seen(True)
    assert is_news(state, late=3)
    told = State(**{**vars(state), "told_late": 3.0})
    assert not is_news(told, late=6)  # twice as many, but a handful
    assert is_news(told, late=8)
    assert not is_news(seen(False), late=0)


def test_a_policy_that_became_shorter_takes_back_what_is_gone():
    taken = seen(*minutes(30))
    shorter = Policy(steps=POLICY.steps[:1], quiet_s=900)
    state = seen(True, policy=shorter, state=taken)
    assert wanted(state, shorter.steps) == (1,)


states = st.lists(st.booleans(), max_size=40).map(lambda looks: seen(*looks, every_s=300))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(state=states, holds=st.dictionaries(st.integers(1, 4), st.booleans()))
def test_a_state_is_read_as_it_was_written(state, holds):
    kept = State(
        **{**vars(state), "holds": holds, "taken": (Taken(1, "put_off", BEGIN, {"a": 1}),)}
    )
    assert from_document(to_document(kept)) == kept
    assert from_document({}) == State()


@settings(derandomize=True, deadline=None, max_examples=100)
@given(looks=st.lists(st.booleans(), min_size=1, max_size=60))
def test_steps_are_always_a_beginning_of_the_policy_and_never_jump_without_cause(looks):
    state, before = State(), 0
    for number, breaks in enumerate(looks):
        state = look(state, POLICY, breaks=breaks, now=BEGIN + timedelta(minutes=5 * number))
        now = wanted(state, POLICY.steps)
        assert now == tuple(range(1, len(now) + 1))
        assert len(now) >= before if breaks else len(now) <= before
        before = len(now)
