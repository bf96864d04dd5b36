"""The badge that platforms give to quick handles, what it still allows, and when it would be lost.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wfm.brands import Brand
from wfm.metrics.cells import BADGE_S, BADGE_SHARE, Total
from wfm.metrics.ranges import totals_of
from wfm.store.metricrows import ALL

if TYPE_CHECKING:
    from sqlalchemy import Connection

_HOUR = timedelta(hours=1)
_DECIDED = timedelta(seconds=BADGE_S)


@dataclass(frozen=True)
class Answers:
    """First answers within 15 minutes by the clock on the wall, and those that were not."""

    quick: int = 0
    slow: int = 0

    @property
    def holds(self) -> bool:
        """Whether nine of ten are quick; of none, they are."""
        share, of = BADGE_SHARE
        return self.quick * of >= share * (self.quick + self.slow)


@dataclass(frozen=True)
class Badge:
    """How a handle stands.

    judged       first answers of the window that were given, or owed for longer than 15 minutes
    share        of them within 15 minutes, None without any
    misses_left  how many more slow ones the badge bears; 0 when it is lost
    needed       how many quick ones in a row win it back; 0 while it is held
    lost_at      the hour after which it is lost if answers go on as in the last hour; None: not
                 within the next window, or it is lost already
    """

    account: str
    judged: int
    share: float | None
    held: bool
    misses_left: int
    needed: int
    lost_at: datetime | None


def badges(connection: Connection, brand: Brand, now: datetime) -> tuple[Badge, ...]:
    """The badge of every account that customers wrote to within `badge_window_s`, by account.

    Measured as platforms do: by the clock on the wall, by answers of people.
    """
    window = timedelta(seconds=brand.care.badge_window_s)

    def by_account(since: datetime, until: datetime) -> dict[str, dict[datetime, Answers]]:
        totals = totals_of(
            connection,
            brand,
            since,
            until,
            now=now,
            step="hour",
            split="account",
            part=ALL,
            promises_alone=True,
        )
        found: dict[str, dict[datetime, Answers]] = {}
        for (start, _, _, account), total in totals.items():
            answers = _answers(total)
            if account and (answers.quick or answers.slow):
                found.setdefault(account, {})[start] = answers
        return found

    hours = by_account(now - window, now)
    # What came less than 15 minutes ago is not decided yet: the hour before is the present rate.
    latest = by_account(now - _DECIDED - _HOUR, now - _DECIDED)
    return tuple(
        badge_of(account, found, _sum(latest.get(account, {})), now=now, window=window)
        for account, found in sorted(hours.items())
    )


def _answers(total: Total) -> Answers:
    return Answers(total.of("badge.quick"), total.of("badge.slow"))


def _sum(hours: Mapping[datetime, Answers]) -> Answers:
    return Answers(sum(a.quick for a in hours.values()), sum(a.slow for a in hours.values()))


def badge_of(
    account: str,
    hours: Mapping[datetime, Answers],
    rate: Answers,
    *,
    now: datetime,
    window: timedelta,
) -> Badge:
    """The badge of an account by its answers in each hour of the window.

    rate  answers of an hour as they come at present
    """
    all_of = _sum(hours)
    quick, slow = all_of.quick, all_of.slow
    share, of = BADGE_SHARE
    spare = (of * quick - share * (quick + slow)) // share
    missing = share * (quick + slow) - of * quick
    return Badge(
        account,
        judged=quick + slow,
        share=quick / (quick + slow) if quick + slow else None,
        held=all_of.holds,
        misses_left=max(0, spare),
        needed=max(0, -(-missing // (of - share))),
        lost_at=_lost_at(hours, all_of, rate, now=now, window=window) if all_of.holds else None,
    )


def _lost_at(
    hours: Mapping[datetime, Answers],
    held: Answers,
    rate: Answers,
    *,
    now: datetime,
    window: timedelta,
) -> datetime | None:
    """The first hour from now after which the badge is lost; old answers leave the window."""
    leaving = sorted(hours.items())
    gone = 0
    quick, slow = held.quick, held.slow
    for ahead in range(1, int(window / _HOUR) + 1):
        at = now + ahead * _HOUR
        quick, slow = quick + rate.quick, slow + rate.slow
        while gone < len(leaving) and leaving[gone][0] < at - window:
            quick -= leaving[gone][1].quick
            slow -= leaving[gone][1].slow
            gone += 1
        if not Answers(quick, slow).holds:
            return at
    return None
