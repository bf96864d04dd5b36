"""Whom repairs ask first, who is asked for what, and how long before."""

import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.whatif.lawful import Variant, shared_out
from scheduling.whatif.offers import Offer
from scheduling.whatif.results import TELLING_H
from scheduling.whatif.trouble import NOTICE_MIN

PAGE = Path(__file__).parents[3] / "docs" / "whatif.md"
NAMES = [f"a{n}" for n in range(8)]


def offer(agent_id, gain_h, paid_h=1.0, *, likely=True):
    return Offer(agent_id, (), gain_h, paid_h, likely)


def variant(team, *offers, name=""):
    return Variant("overtime", name or team, team, offers, lambda _: "", lambda _: "")


def agents(variants):
    return {v.name: {o.agent_id for o in v.offers} for v in variants}


def test_who_covers_most_of_the_trouble_for_a_paid_hour_is_asked_first():
    much, brief, free = offer("much", 3.0, 3.0), offer("brief", 1.0, 0.5), offer("free", 0.5, 0.0)
    dear, likely_not = offer("dear", 3.0, 4.0), offer("maybe", 9.0, 0.0, likely=False)
    found = sorted([likely_not, dear, much, brief, free], key=lambda o: o.order)
    assert [o.agent_id for o in found] == ["free", "brief", "much", "dear", "maybe"]
    # Of two who cover as much for an hour, the one who covers more.
    double = offer("double", 2.0, 2.0 + TELLING_H)
    half = offer("half", 1.0, 1.0)
    assert min(double, half, key=lambda o: o.order) is double


def test_teams_take_turns_each_the_best_who_is_left():
    stay = variant("stay", offer("a", 3.0), offer("b", 2.0), offer("c", 1.0))
    come = variant("come", offer("a", 4.0), offer("b", 3.0), offer("d", 1.0))
    assert agents(shared_out([stay, come])) == {"stay": {"a", "c"}, "come": {"b", "d"}}


def test_variants_of_one_team_are_for_the_same_people():
    long = variant("stay", offer("a", 2.0, 2.0), name="stay-120")
    brief = variant("stay", offer("a", 1.0), offer("b", 0.5), name="stay-60")
    other = variant("come", offer("a", 9.0), offer("b", 0.4))
    found = agents(shared_out([long, brief, other]))
    assert found == {"stay-120": {"a"}, "stay-60": {"a"}, "come": {"b"}}


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), st.floats(0.1, 9)), min_size=1, max_size=4))
def test_everybody_who_could_do_something_is_in_one_team(teams):
    asked = [
        variant(f"team {n}", *(offer(who, gain) for who, gain in team.items()))
        for n, team in enumerate(teams)
    ]
    found = [who for of in agents(shared_out(asked)).values() for who in of]
    assert sorted(found) == sorted({who for team in teams for who in team})


def test_people_are_told_so_long_before_as_the_page_says():
    told: dict[str, int] = {}
    for kinds, before in re.findall(
        r"^\| ([a-z, ]+) \| [^|]+ \| (at once|\d+ min) \|$", PAGE.read_text(), re.MULTILINE
    ):
        minutes = 0 if before == "at once" else int(before.split()[0])
        told |= dict.fromkeys((kind.replace(" ", "_") for kind in kinds.split(", ")), minutes)
    assert told == NOTICE_MIN
