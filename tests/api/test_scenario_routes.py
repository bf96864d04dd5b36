"""What-if scenarios over HTTP: asked at once, kept, repaired, compared, promoted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))
from draftdesk import MONDAY, TUESDAY, at, keep_plan, own_store, shift

from api.routes import scenariowire
from api.worker import KINDS, Work, rank_repairs
from scheduling.editing.changes import Change
from scheduling.whatif import scenario as limits
from scheduling.whatif.results import Repairs
from scheduling.whatif.scenario import Policy, Scenario, Shrinkage, Surge
from wfm.campaigns import CATEGORIES
from wfm.progress import silent
from wfm.settings import Settings
from wfm.store import jobs
from wfm.store.campaigns import load_campaigns
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Store

PREFIX = "/api/v1"
SURGE = {"start": at(MONDAY, 9).isoformat(), "length_min": 60, "factor": 6.0, "queues": ["x"]}
SPIKE = {"name": "spike", "surges": [SURGE]}
STAYS = {"kind": "lengthen", "agent_id": "a1", "day": str(MONDAY), "minutes": 30, "by": "end"}
NIGHT = {"kind": "assign", "agent_id": "a2", "day": str(TUESDAY), "template": "day4",
         "start_min": 0}  # fmt: skip


@pytest.fixture
def call(client: TestClient, key_for):
    """Asks the API as a planner."""
    planner = key_for("planner")

    def ask(method: str, path: str, body: object = None, **headers: str) -> object:
        sent = planner | {name.replace("_", "-"): value for name, value in headers.items()}
        return client.request(method, PREFIX + path, json=body, headers=sent)

    return ask


@pytest.fixture
def store(desk_home: Path, settings: Settings) -> Iterator[Store]:
    """A store of its own that holds the desk."""
    yield from own_store(desk_home, settings)


@pytest.fixture
def saved(call) -> str:
    """The path of a saved scenario."""
    answer = call("POST", "/scenarios", SPIKE)
    assert answer.status_code == 201
    return answer.headers["location"].removeprefix(PREFIX)


@pytest.fixture
def submitted(app: FastAPI, store: Store, monkeypatch: pytest.MonkeyPatch) -> list:
    """What jobs are submitted for."""
    taken: list[tuple[str, dict]] = []

    def submit(kind: str, request: dict, actor: str) -> str:
        taken.append((kind, json.loads(json.dumps(request))))
        with store.writing(actor) as writing:
            jobs.insert_job(writing, f"job-{len(taken)}", kind, request)
        return f"job-{len(taken)}"

    monkeypatch.setattr(app.state.jobs, "submit", submit, raising=False)
    return taken


# -- kept ----------------------------------------------------------------------------------------


def test_a_scenario_is_saved_read_changed_and_archived_with_its_etag(call, saved: str):
    held = call("GET", saved)
    assert held.headers["etag"] == '"scenario-1-0"'
    body = held.json()
    assert (body["name"], body["state"], body["plan_id"]) == ("spike", "open", 1)
    assert body["url"] == "/console/whatif?scenario=1"
    assert body["scenario"]["surges"][0]["start"] == "2026-03-09T08:00:00Z"

    # What was read can be sent again.
    changed = call("PUT", saved, body["scenario"] | {"name": "storm"}, If_Match='"scenario-1-0"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"scenario-1-1"')
    lost = call("PUT", saved, SPIKE, If_Match='"scenario-1-0"')
    assert (lost.status_code, lost.json()["arguments"]["revision"]) == (412, 1)
    assert call("PUT", saved, SPIKE, If_Match='"draft-1-1"').json()["code"] == "lost_edit"

    assert call("DELETE", saved, If_Match='"scenario-1-1"').json()["state"] == "archived"
    assert call("PUT", saved, SPIKE).json()["code"] == "illegal_move"
    assert call("GET", "/scenarios/9").status_code == 404


def test_scenarios_are_listed_by_state_page_by_page(call, saved: str):
    call("POST", "/scenarios", SPIKE | {"name": "second"})
    call("DELETE", saved)
    first = call("GET", "/scenarios?limit=1").json()
    assert ([one["name"] for one in first["items"]], first["next"]) == (["second"], 2)
    rest = call("GET", "/scenarios?limit=1&before=2").json()
    assert ([one["name"] for one in rest["items"]], rest["next"]) == (["spike"], None)
    (left,) = call("GET", "/scenarios?state=open").json()["items"]
    assert left["scenario_id"] == 2


def test_only_planners_and_managers_write_and_auditors_may_ask(client: TestClient, key_for):
    for role, path, status in (
        ("auditor", "/scenarios", 403),
        ("auditor", "/scenarios/evaluate?replications=2", 200),
        ("team-lead", "/scenarios/repairs", 403),
        ("agent", "/scenarios/evaluate", 403),
        ("manager", "/scenarios", 201),
    ):
        options = {"agent_id": "a1"} if role == "agent" else {}
        answer = client.post(PREFIX + path, json=SPIKE, headers=key_for(role, **options))
        assert (role, path, answer.status_code) == (role, path, status)


WRONG = (
    ({"factor": -1}, "surges.0.factor: Input should be greater than or equal to 0"),
    ({"factor": 1e6}, "surges.0.factor: Input should be less than or equal to 100"),
    ({"added": 2e6}, "surges.0.added"),
    ({"length_min": 0}, "surges.0.length_min"),
    ({"start": "2026-03-09T09:00:00"}, "should have timezone info"),
    ({"start": "2026-04-01T09:00:00Z"}, "outside of the roster"),
    ({"queues": ["pigeons"]}, "pigeons"),
    ({"cause": "rumour"}, "surges.0.cause"),
    ({"colour": "red"}, "Extra inputs are not permitted"),
)


def test_a_scenario_that_cannot_be_is_refused_at_every_door(call, submitted: list):
    for path in ("/scenarios", "/scenarios/evaluate", "/scenarios/repairs", "/scenarios/rank"):
        for wrong, told in WRONG:
            answer = call("POST", path, {"name": "odd", "surges": [SURGE | wrong]})
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.status_code in (400, 404, 422)
            assert told in answer.json()["detail"]
    assert (call("GET", "/scenarios").json()["items"], submitted) == ([], [])


def test_what_is_no_number_is_refused(client: TestClient, key_for):
    body = json.dumps({"surges": [SURGE | {"factor": float("nan")}]})
    headers = key_for("planner") | {"content-type": "application/json"}
    answer = client.post(f"{PREFIX}/scenarios/evaluate", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_edits_of_the_roster_become_changes_and_a_forbidden_one_is_named(call, saved: str):
    kept = call("POST", "/scenarios", SPIKE | {"edits": [STAYS]}).json()
    (change,) = kept["scenario"]["changes"]
    assert (change["agent_id"], change["day"]) == ("a1", str(MONDAY))
    assert change["after"][-1]["end"] == at(MONDAY, 12.5).isoformat().replace("+00:00", "Z")
    forbidden = call("PUT", saved, SPIKE | {"edits": [NIGHT]})
    assert (forbidden.status_code, forbidden.json()["code"]) == (422, "rule_conflict")
    assert "a2 on 2026-03-10" in forbidden.json()["detail"]
    unknown = call("POST", "/scenarios", SPIKE | {"edits": [{"kind": "melt"}]})
    assert (unknown.status_code, "no edit 'melt'" in unknown.json()["detail"]) == (400, True)
    assert call("GET", saved).json()["revision"] == 0


# -- asked ---------------------------------------------------------------------------------------


def test_a_scenario_is_answered_at_once_with_its_curves_on_request(call, saved: str):
    told = call("POST", f"{saved}/evaluate?replications=6").json()
    assert told["rows"] is None
    overall = told["effects"][0]
    assert overall["attainment_after"] < overall["attainment_before"]
    assert told["url"] == "/console/whatif?scenario=1"
    free = call("POST", "/scenarios/evaluate?replications=6&table=true", SPIKE).json()
    assert free["effects"] == told["effects"]
    assert free["url"] is None
    assert {row["queue"] for row in free["rows"]} == {"", "x"}
    assert free["rows"][0]["start"] == told["start"]


def test_scenarios_are_compared_over_http(call, saved: str):
    call("POST", "/scenarios", SPIKE | {"name": "calm", "surges": [SURGE | {"factor": 1.5}]})
    found = call("GET", "/scenarios/compare?ids=1,2&replications=6").json()
    assert [one["name"] for one in found["items"]] == ["spike", "calm"]
    worse, better = (one["effects"][0]["late_after"] for one in found["evaluations"])
    assert worse > better
    for ids, status in (("1", 400), ("1,one", 400), ("1,1", 400), ("1,9", 404)):
        assert call("GET", f"/scenarios/compare?ids={ids}").status_code == status


def test_presets_are_offered_for_each_cause(call):
    found = call("GET", "/scenarios/presets?queue=x").json()["items"]
    assert {one["cause"] for one in found} == set(CATEGORIES)
    assert call("GET", "/scenarios/presets?queue=y").status_code == 404


# -- repaired ------------------------------------------------------------------------------------


def test_repairs_are_ranked_by_a_job_and_applied_as_its_result_holds_them(
    call, store: Store, submitted: list, saved: str
):
    answer = call("POST", f"{saved}/repairs?replications=6")
    assert (answer.status_code, answer.headers["location"]) == (202, f"{PREFIX}/jobs/job-1")
    unsaved = call("POST", "/scenarios/repairs?replications=6&roster=1", SPIKE)
    assert unsaved.status_code == 202
    (kind, request), (_, same) = submitted
    assert (kind, request) == ("repairs", same)
    assert kind in KINDS

    stages: list[tuple[float, str]] = []
    work = Work(store, "job-1", request, "ann", lambda *said: stages.append(said), silent)
    result = json.loads(json.dumps(rank_repairs(work), allow_nan=False))
    assert from_document(Repairs, result).ranked
    assert [done for done, _ in stages] == sorted(done for done, _ in stages)
    (line, _) = call("GET", "/jobs").json()["items"]
    assert "result" not in line
    first = result["ranked"][0]["repair"]
    applied = call("POST", f"{saved}/apply", {"repairs": [first]}, If_Match='"scenario-1-0"')
    assert (applied.status_code, applied.json()["revision"]) == (200, 1)
    assert call("POST", f"{saved}/apply", {"repairs": []}).status_code == 422


def test_repairs_are_ranked_at_once_as_the_job_ranks_them(
    call, client: TestClient, key_for, store: Store, saved: str, submitted: list
):
    call("POST", f"{saved}/repairs?replications=6")
    work = Work(store, "job-1", submitted[0][1], "ann", silent, silent)
    by_job = json.loads(json.dumps(rank_repairs(work), allow_nan=False))
    for path in (f"{saved}/rank?replications=6", "/scenarios/rank?replications=6&roster=1"):
        at_once = call("POST", path, SPIKE).json()
        assert at_once["ranked"] == by_job["ranked"]
        assert at_once["together"] == by_job["together"]
    refused = client.post(f"{PREFIX}/scenarios/rank", json=SPIKE, headers=key_for("auditor"))
    assert refused.status_code == 403


def test_a_repair_that_a_rule_forbids_changes_nothing(call, saved: str):
    night = to_document(shift(TUESDAY, 0))
    does = {"changes": [{"agent_id": "a2", "day": str(TUESDAY), "after": night}]}
    forged = {"repair_id": "r", "kind": "call_in", "title": "tired", "does": does}
    answer = call("POST", f"{saved}/apply", {"repairs": [forged]})
    assert (answer.status_code, answer.json()["code"]) == (422, "rule_conflict")
    assert call("GET", saved).json()["revision"] == 0


# -- the roster moves on, and what becomes of scenarios --------------------------------------------


def test_a_superseded_roster_is_told_with_the_way_out(
    call, store: Store, submitted: list, saved: str
):
    call("POST", "/scenarios", SPIKE | {"edits": [STAYS]})
    newer = keep_plan(store)
    for path in (f"{saved}/evaluate", f"{saved}/repairs", f"{saved}/rank"):
        answer = call("POST", path)
        assert (answer.status_code, answer.json()["arguments"]["plan_id"]) == (409, newer)
    assert call("GET", "/scenarios/compare?ids=1,2").status_code == 409
    assert call("POST", "/scenarios/2/promote", {"to": "draft"}).json()["code"] == "conflict"
    assert submitted == []
    moved = call("POST", f"{saved}/rebase", If_Match='"scenario-1-0"')
    assert (moved.json()["plan_id"], moved.headers["etag"]) == (newer, '"scenario-1-1"')


def test_a_scenario_is_promoted_once_to_a_draft_that_says_what_it_leaves_out(call):
    call("POST", "/scenarios", SPIKE | {"edits": [STAYS]})
    first = call("POST", "/scenarios/1/promote", {"to": "draft"}, If_Match='"scenario-1-0"')
    done = first.json()
    assert (done["draft_id"], done["campaign"], done["left_out"]) == (1, None, ["1 surge"])
    assert (done["scenario"]["state"], done["scenario"]["draft_id"]) == ("promoted", 1)
    again = call("POST", "/scenarios/1/promote", {"to": "draft"}, If_Match='"scenario-1-0"')
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")
    assert len(call("GET", "/drafts").json()["items"]) == 1
    (edit,) = call("GET", "/drafts/1").json()["edits"]
    assert edit["changes"][0]["agent_id"] == "a1"


def test_a_scenario_is_promoted_to_a_campaign_of_the_forecast(call, store: Store, saved: str):
    nothing = call("POST", f"{saved}/promote", {"to": "draft"})
    assert (nothing.status_code, "nothing of the roster" in nothing.json()["detail"]) == (400, True)
    wanted = {"to": "campaign", "name": "Big post", "category": "viral"}
    done = call("POST", f"{saved}/promote", wanted).json()
    assert (done["campaign"]["name"], done["campaign"]["peak_uplift"]) == ("Big post", 5.0)
    assert (done["scenario"]["campaign"], done["draft_id"]) == ("Big post", None)
    with store.reading() as connection:
        (campaign,) = load_campaigns(connection)
    assert (campaign.name, campaign.category) == ("Big post", "viral")


# -- the wire ------------------------------------------------------------------------------------


def test_ranges_on_the_wire_are_those_of_scenarios():
    assert scenariowire.MAX_FACTOR == limits.MAX_FACTOR
    assert scenariowire.MAX_ADDED == limits.MAX_ADDED
    assert scenariowire.WEEK_MIN == limits.MAX_LENGTH_MIN
    assert scenariowire.MAX_HEADS == limits.MAX_HEADS
    assert scenariowire.MAX_PARTS == limits.MAX_PARTS
    assert scenariowire.MAX_CHANGES == limits.MAX_CHANGES


def test_the_example_of_the_docs_is_a_scenario_with_every_part():
    told = scenariowire.ScenarioOrder.__doc__ or ""
    order = scenariowire.ScenarioOrder.model_validate_json(told[told.index("{\n") :])
    parts = {name for name, value in asdict(order.scenario).items() if value}
    assert parts == {*asdict(Scenario()), "name", "known_from"} - {"changes"}
    assert [type(edit).__name__ for edit in order.wanted] == ["Lengthen"]
    sent = scenariowire.ScenarioWire.model_validate(order.scenario)
    assert sent.scenario == order.scenario


SPANS = st.builds(
    lambda hour, length: {"start": at(MONDAY, hour), "end": at(MONDAY, hour + length)},
    st.integers(0, 20),
    st.floats(0.25, 30),
)
QUEUES = st.lists(st.sampled_from(["x", "mail"]), unique=True).map(tuple)
SURGES = st.builds(
    Surge,
    start=SPANS.map(lambda span: span["start"]),
    length_min=st.integers(1, 600),
    queues=QUEUES,
    factor=st.floats(0, 100),
    added=st.floats(0, 1e6),
    rise_min=st.floats(0, 60),
    half_life_min=st.floats(1, 600),
    cause=st.sampled_from(["", *CATEGORIES]),
)
POLICIES = st.builds(
    lambda span, **values: Policy(**span, **values),
    SPANS,
    queues=QUEUES,
    spike_mode=st.none() | st.booleans(),
    automatic=st.floats(0, 1),
    put_off_min=st.integers(0, 600),
)


@settings_of(max_examples=15, deadline=None, derandomize=True)
@given(
    st.builds(
        Scenario,
        name=st.text(max_size=30),
        surges=st.lists(SURGES, max_size=3).map(tuple),
        policies=st.lists(POLICIES, max_size=2).map(tuple),
        shrinkage=st.none() | st.builds(Shrinkage, planned=st.none() | st.floats(0, 0.95)),
        changes=st.just((Change("a1", MONDAY, (), shift(MONDAY, 8)),)),
        known_from=st.none() | SPANS.map(lambda span: span["start"]),
    )
)
def test_a_scenario_goes_over_the_wire_and_into_the_store_and_back_as_it_is(scenario: Scenario):
    sent = scenariowire.ScenarioWire.model_validate(scenario).model_dump_json()
    assert scenariowire.ScenarioWire.model_validate_json(sent).scenario == scenario
    kept = json.loads(json.dumps(to_document(scenario), allow_nan=False))
    assert from_document(Scenario, kept) == scenario
