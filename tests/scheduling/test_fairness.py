"""The ledger shares out what there was among those who might have had it, and nothing gets lost."""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from rosters import MONDAY, horizon, make_agent, make_brand

from scheduling.fairness import (
    KINDS,
    LEDGER,
    Ledger,
    carried_ledger,
    declines,
    ledger_of,
    ledger_start,
    spread,
)
from wfm.errors import RequestError
from wfm.frames import ROSTER
from wfm.people import (
    Agent,
    Availability,
    Contract,
    ContractTerm,
    Limit,
    Preference,
    ShiftTemplate,
    TimeOff,
)

NIGHT = ShiftTemplate("night", 480, (1320,))
DAY = ShiftTemplate("day", 480, (480,))
LAW = Contract("law", ("day", "night"), 8, 40)
BRAND = make_brand(queues=("x", "email"), templates=(DAY, NIGHT), contracts=(LAW,))
START, END = horizon(14)


def agent(name: str, **changes: object) -> Agent:
    return make_agent(name, contract="law", **changes)


def worked(*shifts: tuple[str, int, str]) -> pd.DataFrame:
    """Shifts of 8 h: agent, day of the horizon, template."""
    rows = []
    for name, day, template in shifts:
        begin = START + timedelta(days=day, hours=8 if template == "day" else 22)
        rows.append((name, begin, begin + timedelta(hours=8), "on_queue", "", template, False))
    table = pd.DataFrame(rows, columns=list(ROSTER.columns))
    return table.astype({name: column.dtype for name, column in ROSTER.columns.items()})


def rows_of(ledger: Ledger, kind: str) -> dict[str, tuple[float, float, float]]:
    table = ledger.table[ledger.table["kind"] == kind]
    return {
        row.agent_id: (row.had, row.eligible, row.fair) for row in table.itertuples(index=False)
    }


def of(
    roster: pd.DataFrame, *agents: Agent, start: datetime = START, end: datetime = END
) -> Ledger:
    return ledger_of(roster, BRAND, agents, start=start, end=end)


def test_nights_are_shared_out_by_the_days_on_which_one_might_have_worked_them():
    away = agent("a2", time_off=(TimeOff(MONDAY, MONDAY + timedelta(days=6)),))

    ledger = of(worked(("a1", 0, "night"), ("a1", 1, "night"), ("a1", 2, "day")), agent("a1"), away)

    # Whoever is off from Monday to Sunday may start a night from the Monday after.
    assert rows_of(ledger, "night") == {
        "a1": (2, 14, pytest.approx(2 * 14 / 21)),
        "a2": (0, 7, pytest.approx(2 * 7 / 21)),
    }
    assert ledger.debts["a2"]["night"] == pytest.approx(2 / 3)
    assert ledger.debts["a1"]["night"] == pytest.approx(-2 / 3)


def test_only_those_who_serve_the_same_queues_share():
    ledger = of(
        worked(("a1", 0, "night"), ("b1", 0, "night"), ("b1", 1, "night")),
        agent("a1"),
        agent("b1", skills=("email",)),
        agent("b2", skills=("email",)),
    )

    assert {a: fair for a, (_, _, fair) in rows_of(ledger, "night").items()} == {
        "a1": 1,
        "b1": 1,
        "b2": 1,
    }


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        ({}, 14),
        ({"limits": (Limit("no_nights"),)}, 0),
        ({"limits": (Limit("no_nights", until=MONDAY + timedelta(days=3)),)}, 10),
        ({"limits": (Limit("max_hours_per_day", hours=7),)}, 0),
        ({"limits": (Limit("max_hours_per_week", hours=7),)}, 14),
        ({"limits": (Limit("hours", from_min=360, to_min=1320),)}, 0),
        ({"limits": (Limit("hours", from_min=0, to_min=1440),)}, 14),
        # A night runs into the day on which the limit begins.
        ({"limits": (Limit("hours", from_min=360, since=MONDAY + timedelta(days=3)),)}, 2),
        ({"availability": tuple(Availability(d, 0, 1200) for d in range(7))}, 0),
        ({"availability": (Availability(0, 1320, 1440), Availability(1, 0, 360))}, 2),
        ({"since": MONDAY + timedelta(days=10)}, 4),
        ({"time_off": (TimeOff(MONDAY + timedelta(days=5), MONDAY + timedelta(days=5)),)}, 12),
    ],
)
def test_a_night_counts_as_eligible_where_the_agent_might_have_taken_it(changes, days):
    ledger = of(ROSTER.empty(), agent("a1", **changes))

    assert rows_of(ledger, "night")["a1"] == (0, days, 0)


def test_shifts_on_weekend_days_count_each():
    ledger = of(
        worked(("a1", 5, "day"), ("a1", 6, "night"), ("a1", 12, "day")), agent("a1"), agent("a2")
    )

    assert rows_of(ledger, "weekend") == {"a1": (3, 4, 1.5), "a2": (0, 4, 1.5)}


def test_a_shift_against_a_wish_counts_as_declined():
    wishes = (
        Preference("day_off", "sat"),
        Preference("avoid_template", "night", when=(MONDAY + timedelta(days=1)).isoformat()),
    )
    ledger = of(
        worked(("a1", 1, "night"), ("a1", 2, "night"), ("a1", 5, "day")),
        agent("a1", preferences=wishes),
        agent("a2", preferences=(Preference("day_off", "sun"), Preference("day_off", "mon"))),
    )

    assert rows_of(ledger, "declined") == {
        "a1": (2, 3, pytest.approx(2 * 3 / 7)),
        "a2": (0, 4, pytest.approx(2 * 4 / 7)),
    }


def test_a_bid_is_declined_by_another_template():
    bidder = agent("a1", preferences=(Preference("prefer_template", "day"),))

    assert declines(bidder, MONDAY, "night")
    assert not declines(bidder, MONDAY, "day")


def test_what_nobody_else_might_have_had_is_fair_to_whoever_had_it():
    ledger = of(worked(("a1", 0, "night")), agent("a1", limits=(Limit("no_nights"),)))

    assert rows_of(ledger, "night")["a1"] == (1, 0, 1)


def test_people_who_left_the_table_share_nothing():
    ledger = of(worked(("gone", 0, "night"), ("a1", 0, "night")), agent("a1"), agent("a2"))

    assert {a: fair for a, (_, _, fair) in rows_of(ledger, "night").items()} == {
        "a1": 0.5,
        "a2": 0.5,
    }


def test_who_joins_owes_nothing_of_the_weeks_before():
    late = make_agent("a2", contract="law", since=MONDAY + timedelta(days=7))
    roster = worked(("a1", 0, "night"), ("a1", 1, "night"), ("a1", 7, "night"), ("a2", 8, "night"))

    ledger = carried_ledger(roster, BRAND, (agent("a1"), late), until=END, weeks=2)

    assert ledger.debts["a1"]["night"] == 0
    assert ledger.debts["a2"]["night"] == 0


def test_the_ledger_begins_on_a_monday():
    thursday = START + timedelta(days=3)

    assert ledger_start(BRAND, until=thursday, weeks=1) == START - timedelta(days=7)
    ledger = carried_ledger(
        worked(("a1", -7, "night"), ("a1", 2, "night"), ("a1", 3, "night")),
        BRAND,
        (agent("a1"), agent("a2")),
        until=thursday,
        weeks=1,
    )
    assert rows_of(ledger, "night")["a1"] == (2, 10, 1)


def test_a_ledger_of_no_weeks_is_refused():
    with pytest.raises(RequestError, match="ask for 1 or more"):
        carried_ledger(ROSTER.empty(), BRAND, (), until=END, weeks=0)


def test_without_agents_the_ledger_is_empty():
    assert len(LEDGER.check(of(ROSTER.empty()).table)) == 0
    assert spread(of(ROSTER.empty()).table) == dict.fromkeys(KINDS, 0.0)


def test_the_spread_is_over_those_who_might_have_had_any():
    ledger = of(
        worked(("a1", 0, "night"), ("a1", 1, "night")),
        agent("a1"),
        agent("a2"),
        agent("a3", limits=(Limit("no_nights"),)),
    )

    assert spread(ledger.table)["night"] == pytest.approx(np.std([1, -1]))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    st.sets(st.tuples(st.sampled_from(["a1", "a2", "a3"]), st.integers(0, 13)), max_size=20),
    st.data(),
)
def test_balances_of_a_group_add_up_to_nothing(days, data):
    shifts = [
        (name, day, data.draw(st.sampled_from(["day", "night"]))) for name, day in sorted(days)
    ]
    agents = (
        agent("a1", preferences=(Preference("day_off", "tue"),)),
        agent("a2", availability=tuple(Availability(d, 0, 1440) for d in range(5))),
        Agent("a3", "A3", (ContractTerm("law", MONDAY + timedelta(days=4)),), agent("x").skills),
    )

    for ledger in (
        of(worked(*shifts), *agents),
        carried_ledger(worked(*shifts), BRAND, agents, until=END, weeks=3),
    ):
        sums = ledger.table.groupby("kind")["balance"].sum()
        assert sums.abs().max() < 1e-9
        assert ledger.table.loc[ledger.table["kind"] == "night", "had"].sum() == sum(
            template == "night" for _, _, template in shifts
        )
