"""The page Queue on a real store: what it shows, what it does, and what it leaves as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from dash import no_update
from dash.development.base_component import Component

from api.console import layout
from api.console.pages import queue, queueacts, queuecase, queueforms, queuelist, queuepanel, today
from api.console.pages.queueacts import Asked
from api.console.pages.queueforms import LEAD
from api.console.queueing import Queueing
from wfm.brands import Brand
from wfm.casequeue import board as boards
from wfm.casequeue.nexthour import HOLDS, next_hour
from wfm.casequeue.policysteps import predict_and_act
from wfm.cases import Contact
from wfm.errors import LeaseLost, NotFound, RequestError
from wfm.ingest.intake import take_in
from wfm.store import tables
from wfm.store.brands import save_brand
from wfm.store.engine import Store, open_store
from wfm.store.people import save_agents

KIM = "console:kim"
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class MovingClock:
    """Shows what it is set to."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def store(sqlite_url: str, brand: Brand, agents: Any) -> Iterator[Store]:
    """The brand at 10:00 of its site, with the first three agents on shift for all queues."""
    opened = open_store(sqlite_url, clock=MovingClock(NINE))
    with opened.writing("test") as w:
        save_brand(w, brand)
        save_agents(w, agents)
        plan_id = w.connection.execute(
            tables.plans.insert()
            .values(
                state="published",
                version=1,
                starts_at=NINE - timedelta(hours=9),
                ends_at=NINE + timedelta(days=14),
                seed=1,
                inputs={},
                summary={},
                published_at=w.at,
                **w.stamp,
            )
            .returning(tables.plans.c.plan_id)
        ).scalar_one()
        w.connection.execute(
            tables.plan_on_shift.insert(),
            [
                {
                    "plan_id": plan_id,
                    "agent_id": agent.agent_id,
                    "start": NINE - timedelta(hours=2),
                    "end": NINE + timedelta(hours=6),
                    "queues": "facebook instagram x",
                    "slots": 2,
                }
                for agent in agents[:3]
            ],
        )
    yield opened
    opened.close()


@pytest.fixture
def views(store: Store) -> Any:
    return SimpleNamespace(queueing=Queueing(store))


@pytest.fixture
def desk(views: Any) -> Queueing:
    return views.queueing


@pytest.fixture
def write(store: Store, brand: Brand) -> Any:
    """A customer's message, received now; gives the case's id."""

    def write(author: str = "ann", text: str = "it does not work", **fields: Any) -> int:
        values = {"queue": "x", "handle": f"@{author}", **fields}
        contact = Contact(
            source="hook",
            account="@care",
            native_id=f"{author} {text}",
            author=author,
            text=text,
            published_at=store.clock.now(),
            **values,
        )
        taken = take_in(store, contact, brand=brand, actor="key:hook", raw_body="{}")
        assert taken.case_id is not None
        return taken.case_id

    return write


@pytest.fixture
def do(desk: Queueing, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Presses a button as Kim, a team lead; gives what the page shows of it."""
    monkeypatch.setattr(queueacts.callers, "lead", lambda: KIM)

    def do(what: str, case_id: int | None = None, person: str = LEAD, **fields: Any) -> Any:
        return queueacts.answered(desk, what, Asked(case_id, person, fields), 0)

    return do


def text_of(found: Any) -> str:
    """All text below a component."""
    if found is None:
        return ""
    if isinstance(found, str | int | float):
        return str(found)
    if isinstance(found, list | tuple):
        return " ".join(text_of(one) for one in found)
    return text_of(getattr(found, "children", None))


def all_of(found: Any, kind: str) -> list[Component]:
    """All components of a kind below a component."""
    if isinstance(found, list | tuple):
        return [one for part in found for one in all_of(part, kind)]
    if not isinstance(found, Component):
        return []
    own = [found] if type(found).__name__ == kind else []
    return own + all_of(getattr(found, "children", None), kind)


def presses(found: Any) -> set[str]:
    """What the buttons below a component do."""
    given = [button.to_plotly_json()["props"] for button in all_of(found, "Button")]
    return {props["data-do"] for props in given if "data-do" in props}


def list_of(views: Any, *, seen: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
    asked = {"which": layout.ALL_QUEUES, "limit": 50, "person": LEAD, **options}
    return queue.drawn(views, **asked, seen=seen or {})


def panel_of(views: Any, case_id: int | None, person: str = LEAD, **options: Any) -> dict[str, Any]:
    return queuepanel.drawn(views, case_id=case_id, person=person, seen={}, **options)


def move(store: Store, **by: float) -> None:
    store.clock.at += timedelta(**by)


# -- the list -------------------------------------------------------------------------------------


def test_the_list_shows_who_writes_what_in_the_order(views, store, write):
    write("ann", "My order\nnever came")
    move(store, minutes=5)
    write("bea", "<img src=x onerror=alert(1)>", queue="facebook", severity=3)

    lines = all_of(list_of(views)["list"], "Li")

    assert [text_of(line) for line in lines] == [
        "1 10:00 X @ann My order never came Due 10:15, 5 min before the next.",
        "2 15:00 Facebook @bea severity 3 <img src=x onerror=alert(1)> "
        "Due 10:20; none that waits comes after it.",
    ]


def test_what_strangers_wrote_stands_in_a_box_of_its_own_direction(views, write):
    write("ann", "أين طلبي؟")

    (who, words) = all_of(list_of(views)["list"], "Bdi")

    assert (words.children, words.dir) == ("أين طلبي؟", "auto")
    assert who.children == "@ann"


def test_each_line_names_its_case_and_the_deadline_it_counts_down_to(views, write):
    case_id = write()

    line = list_of(views)["list"]
    (button,) = all_of(line, "Button")
    slack = next(s for s in all_of(line, "Span") if getattr(s, "className", "") == "slack")

    assert button.to_plotly_json()["props"]["data-case"] == str(case_id)
    assert slack.to_plotly_json()["props"]["data-due"] == "2026-03-02T09:15:00+00:00"


def test_nothing_is_drawn_anew_while_only_time_passes(views, store, write):
    write()
    first = list_of(views)

    move(store, seconds=2)
    second = list_of(views, seen=first["seen"])
    write("bea")
    third = list_of(views, seen=first["seen"])

    assert set(second.values()) == {no_update}
    assert third["list"] is not no_update
    assert third["people"] is no_update


def test_one_page_is_listed_and_more_on_demand(views, write):
    for number in range(3):
        write(f"author{number}")

    first = list_of(views, limit=2)

    assert len(all_of(first["list"], "Li")) == 2
    assert (first["count"], first["rest"]) == ("The first 2 of 3 cases waiting", False)
    assert list_of(views, limit=3)["rest"] is True
    assert queue.more(1, 50) == 100
    assert queue.more(None, 50) is no_update
    assert queue.more(3, boards.PAGE_MAX) == boards.PAGE_MAX


def test_a_queue_alone_may_be_looked_at(views, write):
    write("ann")
    write("bea", queue="facebook")

    assert "@bea" not in text_of(list_of(views, which="x")["list"])
    assert text_of(list_of(views, which="instagram")["list"]) == "Nobody waits for an answer."


def test_what_an_agent_holds_stands_above_the_list(views, desk, write):
    case_id = write()
    desk.claim("a001", KIM)

    assert f"Case {case_id} X 15:00 held until 10:10" in text_of(
        list_of(views, person="a001")["hand"]
    )
    assert text_of(list_of(views, person="a002")["hand"]) == ""
    assert text_of(list_of(views)["hand"]) == ""


@pytest.mark.parametrize(
    ("seconds", "said", "tone"),
    [
        (0, "0:00", "warn"),
        (59.9, "0:59", "warn"),
        (900, "15:00", ""),
        (-1, "0:01 late", "bad"),
        (3600, "1 h 0 min", ""),
        (-200_000, "2 days late", "bad"),
    ],
)
def test_slack_is_told_in_words(seconds, said, tone):
    assert (queuelist.slack_words(seconds), queuelist.tone_of(seconds)) == (said, tone)


# -- today ----------------------------------------------------------------------------------------


def test_the_tiles_tell_how_the_queues_stand_together(views, store, desk, write):
    for author in ("ann", "bea"):
        write(author)
    first = desk.claim("a000", KIM)
    desk.answer(first.case_id, "a000", "Try this.", KIM)
    move(store, minutes=20)

    told = [text_of(tile) for tile in list_of(views)["tiles"]]

    assert told == [
        "Waiting 1 0 due in 15 min",
        "Late 1 waiting past the deadline",
        "In time today 50.0 % of 2 first replies; 90 % promised",
        "On hand 0 3 on shift, no roster in force",
        "Follow-ups due 0 tasks whose time has come",
    ]


def test_an_empty_pool_is_told_loudly(views, store, write):
    move(store, hours=7)
    write()

    told = list_of(views)["alarms"]

    assert text_of(told).startswith("Nobody there:  1 case of x waits")
    assert "failure" in told.className


def test_a_predicted_breach_is_told_loudly_with_what_is_done_about_it(views, store, brand, write):
    for number in range(30):
        write(f"author{number}")
    predict_and_act(store, brand=brand)

    told = list_of(views)

    assert "X is about to break its promise:" in text_of(told["alarms"])
    assert "Wait, next hour" in text_of(told["queues"])
    assert "acknowledging since 10:00" in text_of(told["queues"])


def test_a_prediction_that_nobody_renewed_is_not_shown(store, brand, write):
    predict_and_act(store, brand=brand)
    with store.reading() as connection:
        (document,) = {
            row.queue: row.policy
            for row in connection.execute(tables.queue_state.select())
            if row.queue == "x"
        }.values()

    assert next_hour(document, NINE) is not None
    assert next_hour(document, NINE + HOLDS) is not None
    assert next_hour(document, NINE + HOLDS + timedelta(seconds=1)) is None
    assert next_hour({}, NINE) is None


def test_the_strip_has_a_place_for_each_figure_and_leads_to_the_queue():
    found = today.line("/console/queue")

    assert found.hidden
    assert [s.id for s in all_of(found, "Strong")] == [f"today-{name}" for name in today.FIGURES]
    assert all_of(found, "Link")[0].href == "/console/queue"
    assert text_of(found) in text_of(layout.shell())


# -- the open case --------------------------------------------------------------------------------


def test_an_open_case_tells_what_was_said_and_done(views, store, desk, write):
    case_id = write("ann", "It broke.\nAgain.")
    desk.claim("a001", KIM)
    move(store, minutes=4)
    desk.answer(case_id, "a001", "Try <this>.", KIM)

    told = panel_of(views, case_id)["told"]

    assert [text_of(entry) for entry in all_of(told, "Ol")[0].children] == [
        "@ann Mon 2 Mar 10:00 It broke.\nAgain.",
        "Mon 2 Mar 10:00 Claimed by Agent 001",
        "Agent 001 Mon 2 Mar 10:04 Try <this>.",
    ]
    assert [text_of(clock) for clock in all_of(told, "Ul")[0].children] == [
        "First reply 4 min of 15 min kept",
        "Resolution 4 min of 1 h stands still",
    ]


def test_a_case_that_there_is_not_is_told(views):
    shown = panel_of(views, 4711)

    assert "there is no case 4711" in text_of(shown["told"])
    assert shown["acts"] == ""


def test_a_message_leaves_a_half_written_answer_alone(views, desk, write):
    case_id = write()
    desk.claim("a001", KIM)
    first = panel_of(views, case_id, "a001")

    write("ann", "hello?")
    second = queuepanel.drawn(views, case_id=case_id, person="a001", seen=first["seen"])

    assert "hello?" in text_of(second["told"])
    assert second["acts"] is no_update
    third = queuepanel.drawn(views, case_id=case_id, person="a001", seen=second["seen"])
    assert set(third.values()) == {no_update}


def test_leaving_a_case_empties_the_panel(views, write):
    seen = panel_of(views, write())["seen"]

    left = queuepanel.drawn(views, case_id=None, person=LEAD, seen=seen)

    assert (text_of(left["told"]), left["acts"]) == (queuepanel.NOTHING_OPEN, "")
    again = queuepanel.drawn(views, case_id=None, person=LEAD, seen=left["seen"])
    assert set(again.values()) == {no_update}


def test_the_forms_fit_the_state_and_the_person(views, desk, write):
    case_id = write()
    common = {"give", "move", "escalate", "severity", "pause", "follow_up", "close"}

    assert presses(panel_of(views, case_id)["acts"]) == {*common, "merge"}
    assert presses(panel_of(views, case_id, "a001")["acts"]) == {*common, "merge", "take"}
    desk.claim("a001", KIM)
    held = presses(panel_of(views, case_id, "a001")["acts"])
    assert held == {*common, "answer", "renew", "release"}
    assert presses(panel_of(views, case_id)["acts"]) == {*common, "take_away"}
    desk.answer(case_id, "a001", "Try this.", KIM)
    assert presses(panel_of(views, case_id)["acts"]) == {"follow_up", "merge", "close"}
    desk.close(case_id, "resolved", KIM)
    assert presses(panel_of(views, case_id)["acts"]) == {"reopen"}


def test_every_button_of_the_page_does_something(views, brand):
    whole = queue.page(SimpleNamespace(queueing=views.queueing), brand)
    source = set(presses(whole))

    assert source == {"claim"}
    assert source <= queueacts.ACTS.keys()


def test_every_form_has_its_act():
    people: list[Any] = []
    found: set[str] = set()
    for state in queuecase.STATES:
        for person in (LEAD, "amy"):
            case = SimpleNamespace(state=state, agent_id="amy", queue="x", severity=0, case_id=1)
            task = SimpleNamespace(title="call", task_id=1)
            brand = SimpleNamespace(queues=[])
            found |= presses(queueforms.forms(case, [task], brand, people, person))

    assert found <= queueacts.ACTS.keys()
    assert queueacts.ACTS.keys() - found == {"claim", "give", "move"}


# -- acts -----------------------------------------------------------------------------------------


def test_a_lead_claims_and_answers_as_an_agent(desk, do, write):
    case_id = write()

    claimed = do("claim", person="a001")
    answered = do("answer", case_id, "a001", reply="Try this.")

    assert (claimed["case"], claimed["done"]) == (case_id, 1)
    assert text_of(claimed["said"]) == f"Case {case_id} is in hand."
    assert text_of(answered["said"]) == f"The answer in case {case_id} is sent."
    opened = desk.opened(case_id)
    assert (opened.case.state, opened.case.agent_id) == ("answered", "a001")
    assert {event.actor for event in opened.events if event.kind != "opened"} == {KIM}


REFUSED: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("claim", LEAD, {}, "choose in “Act as” the agent"),
    ("answer", "a001", {"reply": "  "}, "write an answer first"),
    ("answer", "a001", {"reply": "x"}, "a001 does not hold case 1 any more: it is new"),
    ("close", LEAD, {}, "write why the case ends first"),
    ("severity", LEAD, {"severity": "-3"}, "'-3' is no whole number"),
    ("severity", LEAD, {"severity": "101"}, "between 0 and 100"),
    ("give", LEAD, {"agent": "a009"}, "a009 is not on shift"),
    ("merge", LEAD, {"into": "99"}, "there is no case 99"),
    ("finish", LEAD, {"task": "1", "result": "done"}, "there is no task 1"),
    ("take_away", LEAD, {}, "only a case that somebody holds is taken away"),
    ("resume", LEAD, {}, "only a paused case is resumed"),
)


def test_what_cannot_be_done_is_told_and_the_page_looks_again(do, write):
    case_id = write()

    for what, person, fields, said in REFUSED:
        shown = do(what, case_id, person, **fields)

        assert said in text_of(shown["said"])
        assert (shown["case"], shown["done"]) == (no_update, 1)


def test_an_act_without_an_open_case_says_so(do):
    assert "open a case first" in text_of(do("close", closed_for="spam")["said"])


def test_whoever_may_only_look_is_told_so(desk, write, monkeypatch):
    def refuse() -> str:
        raise RequestError("a caller of the role auditor may not do this")

    monkeypatch.setattr(queueacts.callers, "lead", refuse)

    shown = queueacts.answered(desk, "close", Asked(write(), LEAD, {"closed_for": "spam"}), 4)

    assert "role auditor may not" in text_of(shown["said"])


def test_a_lead_hands_a_case_over_and_takes_it_away(desk, do, write):
    case_id = write()

    do("give", case_id, agent="a002")
    assert desk.opened(case_id).case.agent_id == "a002"
    do("take_away", case_id, taken_for="she is ill")
    assert desk.opened(case_id).case.state == "new"
    do("move", case_id, queue="facebook")
    assert desk.opened(case_id).case.queue == "facebook"
    do("severity", case_id, severity="7")
    assert desk.opened(case_id).case.severity == 7
    do("take", case_id, "a001")
    assert desk.opened(case_id).case.agent_id == "a001"
    do("escalate", case_id, escalated_for="asks for a lawyer")
    assert desk.opened(case_id).case.state == "new"


def test_a_lead_pauses_closes_and_opens_again(desk, do, write):
    case_id = write()

    do("pause", case_id, paused_for="the parcel service", pause_min="60")
    assert desk.opened(case_id).case.paused_until == NINE + timedelta(hours=1)
    do("resume", case_id)
    assert desk.opened(case_id).case.state == "new"
    do("close", case_id, closed_for="resolved by phone")
    assert desk.opened(case_id).case.closed_reason == "resolved by phone"
    do("reopen", case_id, reopened_for="she called back")
    assert desk.opened(case_id).case.state == "new"
    other = write("bea")
    assert do("merge", case_id, into=str(other))["case"] == other
    assert desk.opened(case_id).case.merged_into == other


def test_a_follow_up_is_planned_and_ticked_off(desk, do, views, write):
    case_id = write()

    do("follow_up", case_id, title="call the warehouse", follow_min="240")
    (task,) = desk.opened(case_id).open_tasks
    assert task.due_at == NINE + timedelta(hours=4)
    assert "call the warehouse" in text_of(panel_of(views, case_id)["told"])
    assert "Tasks (1)" in text_of(panel_of(views, case_id)["acts"])
    do("finish", case_id, task=str(task.task_id), result="it is on its way")
    assert desk.opened(case_id).open_tasks == ()


def test_a_hold_that_ran_out_is_not_answered_on(desk, store, write):
    case_id = write()
    desk.claim("a001", KIM)
    move(store, minutes=11)

    with pytest.raises(LeaseLost):
        desk.answer(case_id, "a001", "too late", KIM)


def test_an_agent_for_whom_nothing_waits_is_told_so(desk):
    with pytest.raises(NotFound, match="no case waits that a001 may take"):
        desk.claim("a001", KIM)


# -- the address ----------------------------------------------------------------------------------


def test_a_case_may_be_named_in_the_address(views, brand):
    found = queue.page(views, brand, "?case=12")

    (store,) = [s for s in all_of(found, "Store") if s.id == "queue-case"]
    assert store.data == 12
    with pytest.raises(RequestError, match=r"write \?case=3"):
        queue.page(views, brand, "?case=x")
