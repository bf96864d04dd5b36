"""What a scenario comes to in words, the same at every door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from wfm.timegrid import local_day

if TYPE_CHECKING:
    from scheduling.whatif.results import Evaluation, QueueEffect

# Shares closer than this, and broken minutes, are told as the same.
SAME_SHARE = 0.0005
SAME_MIN = 1.0


def outcome(
    found: Evaluation,
    zone: ZoneInfo,
    *,
    percent: Callable[[float], str] = "{:.1%}".format,
    number: Callable[[float], str] = "{:,.0f}".format,
) -> str:
    """What comes of the scenario, all queues together, without a full stop.

    percent, number  how the door writes shares and counts

    e.g. `71.4% of first replies are in time instead of 97.1%; at worst 83 messages wait (20:15) and
    the longest wait is 2 h 5 min; on time again at 23:30`
    """
    effect, since = found.overall, since_of(found)
    share = percent(effect.attainment_after)
    if not differs(effect):
        return f"{share} of first replies are in time, as without it: no promise suffers"
    told = [f"{share} of first replies are in time instead of {percent(effect.attainment_before)}"]
    waiting = effect.backlog_after
    if waiting.value > effect.backlog_before.value:
        told.append(
            f"at worst {number(waiting.value)} messages wait ({_moment(waiting.at, since, zone)}) "
            f"and the longest wait is {duration(effect.age_s_after.value / 60)}"
        )
    return "; ".join([*told, again(effect, found, zone)])


def again(effect: QueueEffect, found: Evaluation, zone: ZoneInfo) -> str:
    """When it is on time again, as the end of a sentence."""
    since = since_of(found)
    if is_unhurt(effect, found):
        return "at no time less on time than without it"
    if effect.recovered_at is None:
        return f"not on time again by {_moment(found.end, since, zone)}"
    before = "on" if _is_another_day(effect.recovered_at, since, zone) else "at"
    return f"on time again {before} {_moment(effect.recovered_at, since, zone)}"


def differs(effect: QueueEffect) -> bool:
    """Whether the scenario makes a difference that people would speak of."""
    share = abs(effect.attainment_after - effect.attainment_before)
    minutes = abs(effect.breach_min_after - effect.breach_min_before)
    return share >= SAME_SHARE or minutes >= SAME_MIN


def is_unhurt(effect: QueueEffect, found: Evaluation) -> bool:
    """Whether it is on time as without the scenario throughout."""
    return effect.recovered_at is not None and effect.recovered_at <= since_of(found)


def since_of(found: Evaluation) -> datetime:
    """When the scenario begins; the start of what was simulated where no part has a span."""
    return found.scenario.begins or found.start


def duration(minutes: float) -> str:
    """
    >>> duration(45), duration(120), duration(150.4)
    ('45 min', '2 h', '2 h 30 min')
    """
    hours, rest = divmod(round(minutes), 60)
    if hours == 0:
        return f"{rest} min"
    return f"{hours} h" + (f" {rest} min" if rest else "")


def _moment(at: datetime, since: datetime, zone: ZoneInfo) -> str:
    """`23:30`, or `Wed 11 Mar 00:15` where that is not the day of `since`."""
    local = at.astimezone(zone)
    if not _is_another_day(at, since, zone):
        return f"{local:%H:%M}"
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _is_another_day(at: datetime, since: datetime, zone: ZoneInfo) -> bool:
    return local_day(at, zone) != local_day(since, zone)
