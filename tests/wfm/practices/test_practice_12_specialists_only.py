"""Influencers, regulators and sensitive posts go to specialists, at once, and to nobody else.

The queue's half: within five seconds of its arrival a flagged case waits for specialists; no claim,
no automatic assignment, no ladder and no supervisor gives it to a general agent; and where no
specialist is on shift, the desk says so aloud. On both databases.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from wfm.care import Care, Rung, Triage
from wfm.casequeue import presence, supervise
from wfm.casequeue.assignment import assign_waiting
from wfm.casequeue.capacity import queue_overview
from wfm.casequeue.escalation import climb
from wfm.errors import Conflict
from wfm.people import Agent, Skill
from wfm.store.people import save_agents

TRIAGE = Triage(regulators=("fca",), sensitive_words=("lawyer",), specialist_level=4)
LADDER = (Rung(600, "open"), Rung(300, "queue", queue="chat"))

# What is about no statement of its own is shown on one database.
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture
def flagged(desk):
    """gus is a general agent, spy a specialist; both serve every queue, four cases at once."""
    desk.brand = replace(desk.brand, care=Care(triage=TRIAGE, ladder=LADDER, automatic=True))
    with desk.store.writing("test") as w:
        save_agents(
            w,
            [
                Agent(name, name, (), tuple(Skill(q, level) for q in ("x", "chat", "mail")))
                for name, level in (("gus", 3), ("spy", 4))
            ],
        )
    desk.publish(desk.stretch("gus", slots=4), desk.stretch("spy", slots=4))
    return desk


def test_a_regulators_case_waits_for_specialists_at_once_and_no_other_agent_ever_gets_it(flagged):
    arrived = flagged.clock.at
    case_id = flagged.message("fca").case_id
    case = flagged.case(case_id)
    assert case.opened_at - arrived <= timedelta(seconds=5)
    assert (case.needs_level, list(case.flags)) == (4, ["regulator"])
    presence.sign_on(flagged.store, "gus", actor="agent:gus")

    for _ in range(20):  # past its deadline, and up the whole ladder
        assert flagged.claim("gus") is None
        assert assign_waiting(flagged.store, brand=flagged.brand, actor="service:queue") == ()
        climb(flagged.store, brand=flagged.brand)
        flagged.clock.move(minutes=1)
        presence.heartbeat(flagged.store, "gus", actor="agent:gus")
    with pytest.raises(Conflict, match="needs level 4 in x and gus has 3"):
        supervise.assign(flagged.store, case_id, "gus", brand=flagged.brand, actor="lead:lee")

    presence.sign_on(flagged.store, "spy", actor="agent:spy")
    (given,) = assign_waiting(flagged.store, brand=flagged.brand, actor="service:queue")
    assert (given.case.case_id, given.agent_id) == (case_id, "spy")


@on_sqlite
def test_a_post_with_a_sensitive_word_needs_a_specialist_from_its_first_moment(flagged):
    case_id = flagged.message("ann", text="my LAWYER will write").case_id
    assert flagged.case(case_id).needs_level == 4
    assert flagged.claim("gus") is None
    assert flagged.take("spy").case.case_id == case_id


@on_sqlite
def test_specialists_with_a_queue_of_their_own_get_it_there(flagged):
    care = replace(flagged.brand.care, triage=replace(TRIAGE, specialist_queue="mail"))
    flagged.brand = replace(flagged.brand, care=care)
    case_id = flagged.message("fca").case_id
    assert flagged.case(case_id).queue == "mail"
    flagged.clock.move(minutes=20)
    climb(flagged.store, brand=flagged.brand)
    assert flagged.case(case_id).queue == "mail"


def test_where_no_specialist_is_on_shift_the_desk_says_so(flagged):
    flagged.publish(flagged.stretch("gus", slots=4))
    flagged.message("ann")
    (x, *_) = queue_overview(flagged.store, brand=flagged.brand)
    assert x.alert is None
    flagged.message("fca")
    (x, *_) = queue_overview(flagged.store, brand=flagged.brand)
    assert x.alert.code == "no_specialist"
    assert x.alert.text == (
        "1 case of x waits, the first due at 2026-03-02T09:15:00Z, for skill of level 4; "
        "nobody on shift at 2026-03-02T09:00:00Z has it"
    )
