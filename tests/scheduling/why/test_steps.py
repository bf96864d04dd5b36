"""Every rule of a contract has a step by which it can be made looser, and the step loosens it."""

import sys
from dataclasses import fields
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from rosters import make_agent, make_brand

from scheduling.why.looser import STEPS, WAIVERS, eased
from wfm.people import Availability, Contract, Limit, TimeOff
from wfm.rules import RULES

STRICT = Contract(
    "strict",
    ("day8",),
    8,
    40,
    min_consecutive_shifts=2,
    min_consecutive_days_off=2,
    max_hours_per_period=150,
    max_shifts=(("day8", 15),),
    max_consecutive_nights=3,
    weekly_rest_h=35,
    rest_after_nights_h=48,
    forbidden_sequences=(("day8", "day8"),),
    max_start_change_h=2,
    max_holidays_per_period=1,
)
LOOSE = Contract("loose", ("day8",), 8, 40)


def test_every_rule_has_a_step_or_a_waiver():
    contract = {r.name for r in RULES.values() if r.scope == "contract"}
    agent = {r.name for r in RULES.values() if r.scope == "agent"}

    # Who has no contract, or whose contract lacks the template, is a matter of the data.
    assert set(STEPS) == contract - {"contract", "template"}
    assert set(WAIVERS) == agent - {"skill"}


@pytest.mark.parametrize("rule", STEPS)
def test_a_step_changes_what_the_rule_reads_and_nothing_else(rule):
    (after,) = eased(make_brand(contracts=(STRICT,)), STEPS[rule]).contracts

    changed = {
        f.name for f in fields(Contract) if getattr(after, f.name) != getattr(STRICT, f.name)
    }
    assert len(changed) == 1
    assert changed <= set(RULES[rule].fields)


@pytest.mark.parametrize("rule", STEPS)
def test_a_rule_that_a_contract_has_not_stays_so(rule):
    (after,) = eased(make_brand(contracts=(LOOSE,)), STEPS[rule]).contracts

    for f in fields(Contract):
        if getattr(LOOSE, f.name) in (None, (), 0.0, 1):
            assert getattr(after, f.name) == getattr(LOOSE, f.name)


@pytest.mark.parametrize("rule", WAIVERS)
def test_a_waiver_sets_one_thing_about_an_agent_aside(rule):
    day = make_agent().terms[0].since
    agent = make_agent(
        availability=(Availability(0, 0, 1440),),
        time_off=(TimeOff(day, day),),
        limits=(Limit("no_nights"),),
    )

    after = WAIVERS[rule].waived(agent)

    changed = {f.name for f in fields(agent) if getattr(after, f.name) != getattr(agent, f.name)}
    assert changed == {rule}
