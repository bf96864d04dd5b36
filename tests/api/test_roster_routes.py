"""Rosters over HTTP: drafts opened, edited, undone and published; time off and trades."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))
from draftdesk import MONDAY, TUESDAY, WEDNESDAY, own_store

from wfm.settings import Settings
from wfm.store import jobs
from wfm.store.engine import Store
from wfm.store.people import load_agents
from wfm.store.tables import audit

PREFIX = "/api/v1"
DROP = {"kind": "drop", "agent_id": "a1", "day": str(MONDAY)}


@pytest.fixture
def planner(key_for) -> dict[str, str]:
    return key_for("planner")


@pytest.fixture
def call(client: TestClient, planner):
    """Asks the API as a planner."""

    def ask(method: str, path: str, body: object = None, **headers: str) -> object:
        sent = planner | {name.replace("_", "-"): value for name, value in headers.items()}
        return client.request(method, PREFIX + path, json=body, headers=sent)

    return ask


@pytest.fixture
def store(desk_home: Path, settings: Settings) -> Iterator[Store]:
    """A store of its own that holds the desk."""
    yield from own_store(desk_home, settings)


@pytest.fixture
def desk(store: Store) -> Store:
    return store


@pytest.fixture
def draft(desk: Store, call) -> str:
    answer = call("POST", "/plans/current/drafts", {"name": "Monday"})
    assert answer.status_code == 201
    return answer.headers["location"].removeprefix(PREFIX)


def test_a_draft_is_opened_edited_undone_and_read_with_its_history(call, draft: str):
    etag = call("GET", draft).headers["etag"]
    assert etag == '"draft-1-0"'
    seen = call("POST", f"{draft}/preview", {"edit": DROP}).json()
    done = call("POST", f"{draft}/edits", {"edit": DROP, "reason": "ill"}, If_Match=etag)
    assert done.headers["etag"] == '"draft-1-1"'
    assert done.json() == seen
    judgement = done.json()["judgement"]
    assert (judgement["paid_hours_before"], judgement["paid_hours_after"]) == (4.0, 0.0)
    assert judgement["short_hours_after"] > judgement["short_hours_before"]
    assert {row["queue"] for row in judgement["coverage"]} == {"x"}

    lost = call("POST", f"{draft}/edits", {"edit": DROP}, If_Match=etag)
    assert (lost.status_code, lost.json()["arguments"]["revision"]) == (412, 1)
    foreign = call("POST", f"{draft}/undo", If_Match='"draft-2-1"')
    assert (foreign.status_code, foreign.json()["code"]) == (412, "lost_edit")

    assert call("POST", f"{draft}/undo", If_Match='"draft-1-1"').json()["revision"] == 2
    assert call("POST", f"{draft}/undo").json()["code"] == "illegal_move"
    assert call("POST", f"{draft}/redo").json()["revision"] == 3
    held = call("GET", draft).json()
    assert (held["name"], held["state"], held["revision"]) == ("Monday", "open", 3)
    (line,) = held["edits"]
    assert (line["kind"], line["reason"], line["edit"]) == ("drop", "ill", DROP)
    assert line["changes"] == done.json()["changes"]
    rows = call("GET", f"{draft}/roster?to=2026-03-10T00:00:00Z").json()["rows"]
    assert {row["agent_id"] for row in rows} == {"a2"}


def test_an_edit_that_cannot_be_is_told_with_every_fault(call, draft: str):
    answer = call("POST", f"{draft}/edits", {"edit": {"kind": "drop", "day": "soon"}})
    assert answer.status_code == 400
    assert "'agent_id' is missing" in answer.json()["detail"]
    assert "'day' is 'soon', want a date" in answer.json()["detail"]
    assert call("POST", f"{draft}/edits", {"edit": {"kind": "melt"}}).status_code == 400
    assert call("POST", "/drafts/9/edits", {"edit": DROP}).status_code == 404
    assert call("GET", draft).json()["revision"] == 0


def test_drafts_are_listed_and_discarded(call, draft: str):
    call("POST", "/plans/1/drafts", {})
    names = [one["name"] for one in call("GET", "/drafts").json()["items"]]
    assert names == ["Draft of plan 1", "Monday"]
    assert call("POST", f"{draft}/discard", If_Match='"draft-1-0"').json()["state"] == "discarded"
    (left,) = call("GET", "/drafts?state=open").json()["items"]
    assert left["draft_id"] == 2
    assert call("POST", f"{draft}/edits", {"edit": DROP}).status_code == 409
    assert call("POST", "/plans/9/drafts", {}).status_code == 404


def test_broken_rules_of_a_draft_are_listed_with_their_cure(call, draft: str):
    night = {"kind": "assign", "agent_id": "a2", "day": str(TUESDAY), "template": "day4",
             "start_min": 0}  # fmt: skip
    broken = call("POST", f"{draft}/edits", {"edit": night}).json()["judgement"]["broken"]
    listed = call("GET", f"{draft}/violations").json()["items"]
    assert broken == listed
    assert (listed[0]["rule"], listed[0]["cure"]) == ("rest", "move one of the two shifts")


def test_open_shifts_are_listed_with_who_may_take_them(call, draft: str):
    (first, *_) = call("GET", f"{draft}/open-shifts").json()["items"]
    assert (first["day"], first["template"]) == (str(WEDNESDAY), "day4")
    query = f"day={WEDNESDAY}&template=day4&start_min={first['start_min']}"
    found = call("GET", f"{draft}/open-shifts/takers?{query}").json()["items"]
    assert {one["agent_id"] for one in found if one["may"]} >= {"a1", "a3", "a4"}
    instead = call("GET", f"{draft}/open-shifts/takers?day={MONDAY}&agent_id=a1").json()["items"]
    assert "a1" not in [one["agent_id"] for one in instead]
    both = call("GET", f"{draft}/open-shifts/takers?{query}&agent_id=a1")
    neither = call("GET", f"{draft}/open-shifts/takers?day={MONDAY}")
    assert (both.status_code, neither.status_code) == (400, 400)


def test_rosters_are_compared_over_http(call, draft: str):
    call("POST", f"{draft}/edits", {"edit": DROP})
    found = call("GET", "/plans/current/difference/draft-1").json()
    assert [(c["agent_id"], c["day"]) for c in found["changes"]] == [("a1", str(MONDAY))]
    assert call("GET", "/plans/current/difference/draft-x").status_code == 400


@pytest.fixture
def submitted(app, store: Store, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict]]:
    """What jobs are submitted for."""
    taken: list[tuple[str, dict]] = []

    def submit(kind: str, request: dict, actor: str) -> str:
        taken.append((kind, request))
        with store.writing(actor) as writing:
            jobs.insert_job(writing, f"job-{len(taken)}", kind, request)
        return f"job-{len(taken)}"

    monkeypatch.setattr(app.state.jobs, "submit", submit, raising=False)
    return taken


def test_long_work_is_a_job_that_names_the_revision_seen(call, draft: str, submitted):
    seen = {"If_Match": '"draft-1-0"'}
    published = call("POST", f"{draft}/publish", {"replications": 2}, **seen)
    assert (published.status_code, published.headers["location"]) == (202, f"{PREFIX}/jobs/job-1")
    assert call("POST", f"{draft}/resolve", {"change_price": 3.0}, **seen).status_code == 202
    (kind, order), (again, solve) = submitted
    assert (kind, order["draft_id"], order["revision"]) == ("publish_draft", 1, 0)
    assert (again, solve["change_price"], solve["revision"]) == ("resolve", 3.0, 0)
    for path, body in (
        ("publish", {"force": True}),
        ("publish", {"replications": 1}),
        ("resolve", {"change_price": -1.0}),
        ("resolve", {"seed": -1}),
    ):
        assert call("POST", f"{draft}/{path}", body).status_code == 400
    assert call("POST", "/plans/1/republish", {}).status_code == 409
    call("POST", f"{draft}/edits", {"edit": DROP})
    assert call("POST", f"{draft}/publish", {}, **seen).status_code == 412
    assert len(submitted) == 2


def test_only_planners_change_rosters(client: TestClient, draft: str, key_for):
    for role in ("auditor", "team-lead"):
        key = key_for(role)
        assert client.get(PREFIX + draft, headers=key).status_code == 200
        answer = client.post(f"{PREFIX}{draft}/edits", json={"edit": DROP}, headers=key)
        assert answer.status_code == 403
    engine = key_for("queue-engine")
    assert client.get(PREFIX + draft, headers=engine).status_code == 403


# -- what agents ask for -------------------------------------------------------------------------


def test_time_off_is_asked_for_weighed_and_granted_in_a_draft(call, desk: Store):
    asked = call(
        "POST",
        "/time-off-requests",
        {"agent_id": "a1", "first": str(MONDAY), "last": str(TUESDAY), "reason": "a wedding"},
    )
    path = asked.headers["location"].removeprefix(PREFIX)
    assert asked.json() == call("GET", path).json()
    effect = call("GET", f"{path}/effect").json()
    assert (effect["fits"], effect["lost_hours"]) == (False, 8.0)
    assert [day["day"] for day in effect["days"]] == [str(MONDAY), str(TUESDAY)]

    granted = call("POST", f"{path}/grant", {"answer": "enjoy"}).json()
    assert granted["request"]["state"] == "granted"
    assert granted["request"]["draft_id"] == granted["edited"]["draft_id"] == 1
    with desk.reading() as connection:
        agent = load_agents(connection)[0]
        rows = connection.execute(audit.select().order_by(audit.c.id)).all()
    assert [(off.first, off.last) for off in agent.time_off] == [(MONDAY, TUESDAY)]
    done = [(r.action, r.subject) for r in rows][-5:]
    assert done == [
        ("time_off.ask", "1"), ("agent.time_off", "a1"), ("draft.open", "1"), ("draft.edit", "1"),
        ("time_off.grant", "1"),
    ]  # fmt: skip
    draft = call("GET", "/drafts/1").json()
    assert [(e["kind"], len(e["changes"])) for e in draft["edits"]] == [("time_off", 2)]
    again = call("POST", f"{path}/decline", {})
    assert (again.status_code, again.json()["arguments"]["state"]) == (409, "granted")
    found = call("GET", "/time-off-requests?state=granted&agent_id=a1").json()["items"]
    assert [one["request_id"] for one in found] == [1]


def test_time_off_over_a_pinned_shift_is_refused_and_nothing_is_kept(call, draft: str, desk: Store):
    call("POST", f"{draft}/edits", {"edit": {"kind": "pin", "agent_id": "a1", "day": str(MONDAY)}})
    body = {"agent_id": "a1", "first": str(MONDAY), "last": str(MONDAY)}
    call("POST", "/time-off-requests", body)
    refused = call("POST", "/time-off-requests/1/grant", {"draft_id": 1})
    assert refused.status_code == 400
    assert "pinned shift on 2026-03-09; unpin it" in refused.json()["detail"]
    stale = call("POST", "/time-off-requests/1/grant", {"draft_id": 1, "revision": 0})
    assert stale.status_code == 412
    with desk.reading() as connection:
        assert load_agents(connection)[0].time_off == ()
    assert call("GET", "/time-off-requests/1").json()["state"] == "asked"
    declined = call("POST", "/time-off-requests/1/decline", {"answer": "pinned"}).json()
    assert (declined["state"], declined["answer"]) == ("declined", "pinned")


def test_time_off_of_days_without_a_shift_changes_no_roster(call, desk: Store):
    call("POST", "/time-off-requests",
         {"agent_id": "a4", "first": str(MONDAY), "last": str(WEDNESDAY)})  # fmt: skip
    granted = call("POST", "/time-off-requests/1/grant", {}).json()
    assert (granted["request"]["draft_id"], granted["edited"]) == (None, None)
    assert call("GET", "/drafts").json()["items"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [({"last": "2026-03-01"}, 400), ({"agent_id": "zz"}, 404), ({"last": "2028-03-09"}, 400)],
)
def test_time_off_that_cannot_be_is_told(change: dict, status: int, call, desk: Store):
    body = {"agent_id": "a1", "first": str(MONDAY), "last": str(MONDAY)} | change
    assert call("POST", "/time-off-requests", body).status_code == status
    assert call("GET", "/time-off-requests").json()["items"] == []


def test_a_trade_is_judged_and_made_in_a_draft(call, desk: Store):
    body = {"agent_id": "a1", "day": str(MONDAY), "other_agent": "a2", "other_day": str(MONDAY)}
    assert call("POST", "/trades", body | {"other_day": str(TUESDAY)}).status_code == 400
    asked = call("POST", "/trades", body | {"reason": "school"}).json()
    assert (asked["request"]["request_id"], asked["allowed"]) == (1, True)
    assert call("GET", "/trades/1").json() == asked
    granted = call("POST", "/trades/1/grant", {"answer": "fine"}).json()
    assert granted["edited"]["changes"] == asked["changes"]
    (line,) = call("GET", "/drafts/1").json()["edits"]
    assert (line["kind"], line["edit"]["kind"], line["reason"]) == ("trade", "swap", "fine")
    assert call("POST", "/trades/1/withdraw", {}).status_code == 409
    assert call("GET", "/time-off-requests/1").status_code == 404
    assert len(call("GET", "/trades").json()["items"]) == 1


def test_a_trade_that_breaks_a_rule_is_granted_by_force_and_with_an_answer_only(call, draft: str):
    # From 20 to 24 on Monday, eight hours before the shift of Tuesday.
    late = {"kind": "assign", "agent_id": "a4", "day": str(MONDAY), "template": "day4",
            "start_min": 1200}  # fmt: skip
    call("POST", f"{draft}/edits", {"edit": late})
    body = {"agent_id": "a1", "day": str(MONDAY), "other_agent": "a4", "other_day": str(MONDAY)}
    asked = call("POST", "/trades?on=draft-1", body).json()
    assert not asked["allowed"]
    assert [broken["rule"] for broken in asked["judgement"]["broken"]] == ["rest"]
    grant = {"draft_id": 1, "revision": 1}
    refused = call("POST", "/trades/1/grant", grant)
    assert (refused.status_code, refused.json()["code"]) == (422, "rule_conflict")
    assert call("POST", "/trades/1/grant", grant | {"force": True}).status_code == 400
    forced = call("POST", "/trades/1/grant", grant | {"force": True, "answer": "both want it"})
    assert forced.json()["edited"]["revision"] == 2
