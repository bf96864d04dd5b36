"""Every rule of a contract and of an agent: where it costs something to keep it, it is kept."""

import sys
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from checked import DAY, SHORT, Rows, shift, table
from onedesk import worked
from rosters import MONDAY, horizon, make_agent, make_brand

from scheduling.check import check_roster
from wfm.brands import Brand, Market
from wfm.people import Agent, Availability, Contract, ContractTerm, Limit, TimeOff
from wfm.rules import RULES

# Binds nobody: whoever is wanted works every day.
LOOSE = Contract(
    "law",
    ("day", "short"),
    24,
    168,
    max_days_per_week=7,
    max_consecutive_days=28,
    min_rest_h=0,
    max_weekends_in_4=4,
)
AGENT = make_agent("a1", contract="law")
ST_PATRICKS_WEEK = date(2026, 3, 16)


@dataclass(frozen=True)
class Wish:
    """Work that is wanted, and the law or the agent that stands in its way.

    wanted  (day, hour) at which eight hours begin in which a head is missing
    law     fields of the contract
    agent   fields of the agent
    """

    wanted: tuple[tuple[int, int], ...]
    law: dict[str, object] = field(default_factory=dict)
    agent: dict[str, object] = field(default_factory=dict)
    before: tuple[Rows, ...] = ()
    days: int = 7
    first: date = MONDAY


def each(*days: int, hour: int = 8) -> tuple[tuple[int, int], ...]:
    return tuple((day, hour) for day in days)


WEEK = each(*range(7))
NIGHTS = each(0, 1, 2, hour=22)
WISHES: dict[str, Wish] = {
    "skill": Wish(WEEK, agent={"skills": ()}),
    "availability": Wish(
        WEEK, agent={"availability": tuple(Availability(d, 0, 945) for d in range(7))}
    ),
    "time_off": Wish(WEEK, agent={"time_off": (TimeOff(MONDAY, MONDAY + timedelta(days=2)),)}),
    "limits": Wish(each(0, 1, hour=22) + each(3), agent={"limits": (Limit("no_nights"),)}),
    "contract": Wish(WEEK, agent={"terms": (ContractTerm("law", MONDAY + timedelta(days=3)),)}),
    "template": Wish(WEEK, {"templates": ("short",)}),
    "day_hours": Wish(WEEK, {"max_hours_per_day": 5}),
    "week_hours": Wish(WEEK, {"max_hours_per_week": 30}),
    "week_days": Wish(WEEK, {"max_days_per_week": 4}),
    "period_hours": Wish(WEEK, {"max_hours_per_period": 30}, before=(shift(-7),)),
    "template_shifts": Wish(WEEK, {"max_shifts": (("day", 2),)}, before=(shift(-7),)),
    "consecutive_days": Wish(WEEK, {"max_consecutive_days": 3}, before=(shift(-1),)),
    "consecutive_nights": Wish(NIGHTS, {"max_consecutive_nights": 2}),
    "consecutive_shifts": Wish(each(1, 3, 4), {"min_consecutive_shifts": 2}),
    "days_off": Wish(each(0, 2, 3), {"min_consecutive_days_off": 2}),
    "rest": Wish(each(0, hour=14) + each(1, 2), {"min_rest_h": 11}),
    "weekly_rest": Wish(WEEK, {"weekly_rest_h": 40}, before=(shift(-1),)),
    "rest_after_nights": Wish(
        each(0, 1, hour=22) + each(3, 4, 5), {"rest_after_nights_h": 72, "nights_in_series": 2}
    ),
    "weekends": Wish(each(4, 5, 12), {"max_weekends_in_4": 1}, days=14),
    "sequence": Wish(WEEK, {"forbidden_sequences": (("day", "day"),)}),
    "start_change": Wish(each(0) + each(1, hour=14), {"max_start_change_h": 4}),
    "holidays": Wish(WEEK, {"max_holidays_per_period": 0}, first=ST_PATRICKS_WEEK),
}


def under(law: Contract) -> Brand:
    brand = make_brand(templates=(DAY, SHORT), contracts=(law,))
    return replace(brand, markets=(Market("IE", "IE", "UTC"),))


@pytest.mark.parametrize(
    "rule", [rule.name for rule in RULES.values() if rule.scope in ("contract", "agent")]
)
def test_a_rule_is_kept_that_the_best_roster_without_it_would_break(rule: str):
    wish = WISHES[rule]
    start, end = horizon(wish.days, first=wish.first)
    heads = np.zeros((end - start) // timedelta(minutes=15))
    for day, hour in wish.wanted:
        heads[96 * day + 4 * hour : 96 * day + 4 * hour + 32] = 1
    history = table(*wish.before) if wish.before else None
    strict, agent = under(replace(LOOSE, **wish.law)), replace(AGENT, **wish.agent)

    def of(brand: Brand, person: Agent) -> tuple[object, set[str]]:
        roster = worked(brand, (person,), heads, start, end, history=history)
        broken = check_roster(roster, strict, (agent,), start=start, end=end, history=history)
        return roster, {v.rule for v in broken}

    _, without = of(under(LOOSE), AGENT)
    kept, broken = of(strict, agent)

    assert without == {rule}
    assert broken == set()
    assert len(kept) or rule == "skill"
