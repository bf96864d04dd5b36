"""The badge of a quick handle: nine of ten within 15 minutes, what it bears, when it is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wfm.metrics.badge import Answers, badge_of, badges

NOW = datetime(2026, 3, 9, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
NONE = Answers()


def standing(quick: int, slow: int, *, rate: Answers = NONE, age: int = 1):
    """A badge whose answers all lie `age` hours back."""
    hours = {NOW - age * HOUR: Answers(quick, slow)}
    return badge_of("@care", hours, rate, now=NOW, window=WEEK)


@pytest.mark.parametrize(
    ("quick", "held", "misses_left", "needed"),
    [(899, False, 0, 10), (900, True, 0, 0), (901, True, 1, 0)],
)
def test_of_a_thousand_answers_899_lose_it_and_900_hold_it(quick, held, misses_left, needed):
    badge = standing(quick, 1000 - quick)
    assert (badge.held, badge.misses_left, badge.needed) == (held, misses_left, needed)


@pytest.mark.parametrize(("quick", "slow"), [(9, 0), (95, 3), (90, 11), (0, 4), (1, 0), (17, 2)])
def test_the_misses_left_and_the_answers_needed_are_exact(quick, slow):
    badge = standing(quick, slow)
    keeps = lambda q, s: 10 * q >= 9 * (q + s)  # noqa: E731
    if badge.held:
        assert keeps(quick, slow + badge.misses_left)
        assert not keeps(quick, slow + badge.misses_left + 1)
    else:
        assert keeps(quick + badge.needed, slow)
        assert not keeps(quick + badge.needed - 1, slow)


def test_the_hour_of_loss_is_that_of_the_present_rate():
    # 100 of 100; each hour 5 quick and 5 slow: 90 % is undercut when slow > (100 + 10 h) / 10.
    badge = standing(100, 0, rate=Answers(5, 5))
    assert badge.lost_at == NOW + 3 * HOUR
    assert standing(100, 0, rate=Answers(9, 1)).lost_at is None


def test_old_quick_answers_leave_the_window_and_with_them_the_badge():
    hours = {NOW - 160 * HOUR: Answers(90, 0), NOW - HOUR: Answers(8, 1)}
    badge = badge_of("@care", hours, NONE, now=NOW, window=WEEK)
    assert badge.held
    assert badge.lost_at == NOW + 9 * HOUR


def test_the_badge_counts_people_by_the_clock_on_the_wall_and_what_is_owed(desk):
    desk.publish(desk.stretch("amy", slots=9, end=desk.clock.at + timedelta(days=2)))
    start = desk.clock.at
    for author in ("ann", "ben", "cem"):
        desk.message(author)
    desk.clock.move(seconds=900)
    desk.answer(desk.take())
    desk.clock.move(seconds=1)
    desk.answer(desk.take())
    with desk.store.reading() as connection:
        (badge,) = badges(connection, desk.brand, desk.clock.at)
    # Answered at 900 s; answered at 901 s; owed for 901 s.
    assert (badge.account, badge.judged, badge.share) == ("@care", 3, pytest.approx(1 / 3))
    desk.clock.at = start + timedelta(days=8)
    with desk.store.reading() as connection:
        assert badges(connection, desk.brand, desk.clock.at) == ()
