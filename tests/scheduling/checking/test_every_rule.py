"""Every rule that has a name is broken by one example, alone, and kept by one that is like it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from checked import AGENT, BRAND, END, START, Rows, broken, changed, shift, shifts, table, under
from rosters import MONDAY, make_agent

from scheduling.check import JUDGES, check_presence
from wfm.brands import Brand, Market, Presence
from wfm.calendars import Hours, ServiceWindow
from wfm.people import Agent, Availability, ContractTerm, Limit, TimeOff
from wfm.rules import RULES

QUARTER = timedelta(minutes=15)
AT_EIGHT = shift(0)
IRISH = replace(BRAND, markets=(Market("IE", "IE", "UTC"),))
ST_PATRICKS = 15  # 17 March 2026


@dataclass(frozen=True)
class Example:
    """Shifts, and what they are judged under."""

    worked: list[Rows]
    brand: Brand = BRAND
    agent: Agent = AGENT
    before: tuple[Rows, ...] = ()

    def breaks(self) -> set[str]:
        lacks = check_presence(table(*self.worked), self.brand, (self.agent,), start=START, end=END)
        return broken(
            table(*self.worked),
            brand=self.brand,
            agent=self.agent,
            history=table(*self.before) if self.before else None,
        ) | {"presence" for _ in lacks}


def worked(*days: int, hour: float = 8, before: tuple[Rows, ...] = (), **law: object) -> Example:
    return Example(shifts(*days, hour=hour), brand=under(**law), before=before)


def limited(limit: Limit, *rows: Rows) -> Example:
    return Example(list(rows), agent=replace(AGENT, limits=(limit,)))


def monday_hours(to_min: int) -> ServiceWindow:
    return ServiceWindow((Hours("UTC", frozenset({0}), 480, to_min),))


def present(window: ServiceWindow, role: str = "lead") -> Example:
    """The window is open on four Mondays, on which the agent works from eight."""
    return Example(
        shifts(0, 7, 14, 21),
        brand=replace(BRAND, presence=(Presence("a lead", 1, window, role),)),
        agent=replace(AGENT, roles=("lead",)),
    )


def since(day: int) -> Agent:
    return replace(AGENT, terms=(ContractTerm("law", MONDAY + timedelta(days=day)),))


def off_on(day: int) -> Agent:
    date = MONDAY + timedelta(days=day)
    return replace(AGENT, time_off=(TimeOff(date, date),))


# By rule: an example that breaks it, and one that keeps it.
EXAMPLES: dict[str, tuple[Example, Example]] = {
    "unknown_agent": (Example([shift(0, agent="ghost")]), Example([shift(0)])),
    "activity": (
        Example([changed(AT_EIGHT, 0, activity="nap")]),
        Example([changed(AT_EIGHT, 0, activity="training")]),
    ),
    "grid": (
        Example([changed(AT_EIGHT, 4, end=AT_EIGHT[4][2] - timedelta(minutes=5))]),
        Example([AT_EIGHT]),
    ),
    "horizon": (Example([shift(28)]), Example([shift(27, 22)])),
    "overlap": (
        Example([changed(AT_EIGHT, 2, end=AT_EIGHT[3][1] + QUARTER)]),
        Example([AT_EIGHT]),
    ),
    "gap": (Example([[*AT_EIGHT[:2], *AT_EIGHT[3:]]]), Example([AT_EIGHT])),
    "breaks": (
        Example([changed(AT_EIGHT, 1, activity="on_queue")]),
        Example(
            [
                changed(
                    changed(
                        changed(AT_EIGHT, 0, end=AT_EIGHT[1][1] + QUARTER),
                        1,
                        start=AT_EIGHT[1][1] + QUARTER,
                        end=AT_EIGHT[1][2] + QUARTER,
                    ),
                    2,
                    start=AT_EIGHT[1][2] + QUARTER,
                )
            ]
        ),
    ),
    "one_shift_a_day": (Example([shift(0, 0), shift(0, 22)]), Example([shift(0, 0), shift(1, 0)])),
    "skill": (
        Example([changed(AT_EIGHT, 0, queue="email")]),
        Example([changed(AT_EIGHT, 0, queue="x")]),
    ),
    "availability": (
        Example([AT_EIGHT], agent=replace(AGENT, availability=(Availability(0, 480, 945),))),
        Example([AT_EIGHT], agent=replace(AGENT, availability=(Availability(0, 480, 960),))),
    ),
    "time_off": (
        Example([shift(0, 22)], agent=off_on(1)),
        Example([shift(0, 14)], agent=off_on(1)),
    ),
    "limits": (
        limited(Limit("no_nights"), shift(0, 22)),
        limited(Limit("no_nights"), shift(0, 14)),
    ),
    "contract": (Example([shift(0)], agent=since(1)), Example([shift(1)], agent=since(1))),
    "template": (Example([shift(0, 9)]), Example([shift(0, 14)])),
    "day_hours": (worked(0, max_hours_per_day=7), worked(0, max_hours_per_day=7.5)),
    "week_hours": (
        worked(0, 1, 2, 3, 4, max_hours_per_week=37),
        worked(0, 1, 2, 3, 4, max_hours_per_week=37.5),
    ),
    "week_days": (
        worked(0, 1, 3, 4, 5, max_days_per_week=4),
        worked(1, 3, 4, 6, 7, max_days_per_week=4),
    ),
    # Periods of four weeks begin on 23 February, seven days before, and on 23 March.
    "period_hours": (
        worked(0, 8, before=(shift(-7),), max_hours_per_period=22),
        worked(0, 8, 21, before=(shift(-8),), max_hours_per_period=22),
    ),
    "template_shifts": (
        worked(0, 8, before=(shift(-7),), max_shifts=(("day", 2),)),
        worked(0, 8, 21, before=(shift(-8),), max_shifts=(("day", 2), ("short", 0))),
    ),
    "consecutive_days": (worked(3, 4, 5, 6, 7, 8), worked(3, 4, 5, 6, 7, 9)),
    "consecutive_nights": (
        worked(0, 1, 2, hour=22, max_consecutive_nights=2),
        worked(0, 1, 3, hour=22, max_consecutive_nights=2),
    ),
    "consecutive_shifts": (
        worked(1, 3, 4, min_consecutive_shifts=2),
        worked(1, 2, 4, 5, min_consecutive_shifts=2),
    ),
    "days_off": (
        worked(0, 2, min_consecutive_days_off=2),
        worked(0, 3, min_consecutive_days_off=2),
    ),
    "rest": (Example([shift(0, 22), shift(1, 14)]), Example([shift(0, 22), shift(1, 22)])),
    "weekly_rest": (
        worked(0, 1, 3, 4, before=(shift(-1),), weekly_rest_h=48),
        worked(0, 1, 4, before=(shift(-1),), weekly_rest_h=48),
    ),
    "rest_after_nights": (
        Example(
            [shift(0, 22), shift(1, 22), shift(3)],
            brand=under(rest_after_nights_h=48, nights_in_series=2),
        ),
        Example(
            [shift(0, 22), shift(1, 22), shift(2, 22), shift(5)],
            brand=under(rest_after_nights_h=48, nights_in_series=2),
        ),
    ),
    "weekends": (worked(5, 13, 19), worked(5, 6, 19)),
    "sequence": (
        worked(0, 1, forbidden_sequences=(("day", "day"),)),
        worked(0, 2, forbidden_sequences=(("day", "day"), ("short", "day"))),
    ),
    "start_change": (
        Example([shift(0, 8), shift(1, 14)], brand=under(max_start_change_h=4)),
        Example([shift(0, 8), shift(2, 14)], brand=under(max_start_change_h=4)),
    ),
    "holidays": (
        Example([shift(ST_PATRICKS)], brand=under(IRISH, max_holidays_per_period=0)),
        Example([shift(ST_PATRICKS + 1)], brand=under(IRISH, max_holidays_per_period=0)),
    ),
    "presence": (present(monday_hours(600)), present(monday_hours(570))),
}


def test_every_rule_has_its_examples_and_every_judge_is_of_a_rule():
    assert set(EXAMPLES) == set(RULES)
    assert set(JUDGES) == set(RULES) - {"unknown_agent", "presence"}


@pytest.mark.parametrize("rule", list(RULES))
def test_what_breaks_a_rule_breaks_it_alone(rule: str):
    breaking, _ = EXAMPLES[rule]

    # Time that is cut from a shift is missing there as well, and two shifts a day leave no rest.
    along = {"grid": {"template"}, "one_shift_a_day": {"day_hours"}}.get(rule, set())
    assert breaking.breaks() - along == {rule}


@pytest.mark.parametrize("rule", list(RULES))
def test_what_keeps_a_rule_breaks_nothing(rule: str):
    _, keeping = EXAMPLES[rule]

    assert keeping.breaks() == set()


NIGHTS_TO = MONDAY + timedelta(days=3)
LIMITS: dict[str, tuple[Callable[[], Example], Callable[[], Example]]] = {
    "no_nights": (
        lambda: limited(Limit("no_nights", until=NIGHTS_TO), shift(3, 22)),
        lambda: limited(Limit("no_nights", until=NIGHTS_TO), shift(4, 22)),
    ),
    "max_hours_per_day": (
        lambda: limited(Limit("max_hours_per_day", 7), shift(0)),
        lambda: limited(Limit("max_hours_per_day", 7.5), shift(0)),
    ),
    "max_hours_per_week": (
        lambda: limited(Limit("max_hours_per_week", 20), *shifts(1, 2, 4)),
        lambda: limited(Limit("max_hours_per_week", 20), *shifts(5, 6, 7, 8)),
    ),
    "hours": (
        lambda: limited(Limit("hours", from_min=480, to_min=945), shift(0)),
        lambda: limited(Limit("hours", from_min=480, to_min=960), shift(0)),
    ),
}


@pytest.mark.parametrize("kind", LIMITS)
def test_each_kind_of_limit_is_judged_while_it_holds(kind: str):
    over, within = LIMITS[kind]

    assert over().breaks() == {"limits"}
    assert within().breaks() == set()


def test_presence_counts_anybody_where_no_role_is_named_and_nobody_else_where_one_is():
    anybody, mentor = (present(monday_hours(570), role) for role in ("", "mentor"))

    assert anybody.breaks() == set()
    assert mentor.breaks() == {"presence"}


def test_a_lack_of_presence_names_its_interval_and_the_figures():
    example = present(monday_hours(600))
    lacks = check_presence(
        table(*example.worked), example.brand, (example.agent,), start=START, end=END
    )

    # The break from 09:30 to 09:45, on four Mondays.
    assert [lack.start for lack in lacks] == [
        START + timedelta(days=day, hours=9.5) for day in (0, 7, 14, 21)
    ]
    assert str(lacks[0]) == ("2026-03-02 09:30 UTC: 0 agents who are lead on queue, a lead wants 1")


def test_who_began_before_the_horizon_is_there_on_its_first_morning():
    window = ServiceWindow((Hours("UTC", frozenset({0}), 0, 60),))
    brand = replace(BRAND, presence=(Presence("somebody", 1, window),))
    agents = (AGENT, make_agent("a2", contract="law"))
    mondays = table(*shifts(7, 14, 21, hour=0))
    night = table(shift(-1, 22, agent="a2"))

    alone = check_presence(mondays, brand, agents, start=START, end=END)
    after_a_night = check_presence(mondays, brand, agents, start=START, end=END, history=night)

    assert [lack.start for lack in alone] == [START + n * QUARTER for n in range(4)]
    # 22:00 has its break from 23:30 to 23:45 and its meal from 02:00.
    assert after_a_night == ()
