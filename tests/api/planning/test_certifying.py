"""Certificates made anew on fresh days, listed with the plan's own, and held against what came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from api.planning import certificates
from api.planning.certificates import CertifyRequest, certify_plan
from api.planning.outcomes import extents_of, recorded_of
from api.planning.plan import seed_of
from api.planning.records import load_plan
from forecasting.scenarios.paths import Noise
from scheduling.certificate import Certificate
from wfm.brands import Brand, Planning, Queue
from wfm.calendars import ServiceWindow
from wfm.casequeue import claims
from wfm.cases import Contact
from wfm.errors import Cancelled, DataError, NotFound, RequestError
from wfm.frames import (
    FORECAST,
    ON_SHIFT,
    QUANTILE_COLUMNS,
    REQUIREMENT,
    ROSTER,
    STAFFING,
    interval_index,
)
from wfm.ingest.intake import take_in
from wfm.people import Agent, ContractTerm, Skill
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import plans, results
from wfm.store.brands import save_brand
from wfm.store.engine import Store, open_store
from wfm.store.forecasts import Version
from wfm.store.people import save_agents
from wfm.store.results import CaseResult
from wfm.store.volumes import record_import
from wfm.timegrid import FixedClock

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
NOISE = Noise("UTC", 0.5, {"x": (0.1,)}, {"x": date(2026, 3, 1)})


def small_brand(*names: str) -> Brand:
    queues = tuple(
        Queue(name, "x", f"@{name}", "en", ServiceWindow.always(), (ServiceGoal(),),
              OpeningGoal(), WorkLaw())
        for name in names or ("x",)
    )  # fmt: skip
    none = Planning(planned_shrinkage=0.0, unplanned_shrinkage=0.0)
    return Brand("Small", "UTC", (), queues, (), (), planning=none)


def table_of(schema: object, rows: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(schema.columns))
    return schema.check(frame.astype({name: c.dtype for name, c in schema.columns.items()}))


def at_work(start: datetime, days: int, agents: int = 4) -> pd.DataFrame:
    """Agents on queue around the clock, one stretch a day each."""
    return table_of(
        ON_SHIFT,
        [
            {"agent_id": f"a{k}", "start": start + d * DAY, "end": start + (d + 1) * DAY,
             "queues": "x", "slots": 1}
            for k in range(agents)
            for d in range(days)
        ],
    )  # fmt: skip


def keep_plan(store: Store, start: datetime = MONDAY, days: int = 2, **options: object) -> int:
    """A plan of some days, expecting 5 cases a quarter-hour, with its own certificate."""
    index = interval_index(start, start + days * DAY)
    spread = dict(zip(QUANTILE_COLUMNS, (1.0, 2.0, 5.0, 7.0, 8.0, 9.0, 10.0), strict=True))
    forecast = pd.DataFrame({"start": index, "mean": 5.0, **spread, "aht_s": 360.0})
    forecast = forecast.assign(queue="x", model="known").astype({"queue": "str", "model": "str"})
    with store.writing("ann") as writing:
        return plans.insert_draft(
            writing,
            start=start,
            end=start + days * DAY,
            seed=3,
            lineage={"noise": NOISE.to_document()},
            summary={},
            certificate=own_certificate(start, days).to_document(),
            forecast=Version(FORECAST.check(forecast)),
            frames={
                "requirement": REQUIREMENT.empty(),
                "roster": options.get("roster", ROSTER.empty()),
                "staffing": STAFFING.empty(),
                "on_shift": options.get("on_shift", at_work(start, days)),
            },
        )


def own_certificate(start: datetime, days: int) -> Certificate:
    """Promises 90 % of the first responses, 85 to 95 % on four days of five."""
    goal = {
        "queue": "x", "metric": "first_response", "goal": "goal", "threshold_s": 900, "share": 0.9,
        "scope": "hour", "attainment": 0.9, "se": 0.01, "p10": 0.85, "p90": 0.95,
        "cases": 480.0 * days, "worst": None, "units": 24 * days, "units_missed": 0,
        "units_small": 0, "kept": True,
    }  # fmt: skip
    size = {"interval": 96, "hour": 24, "day": 1}
    series = {
        scope: {
            "attainment": [0.9] * count * days, "se": [0.01] * count * days,
            "p10": [0.85] * count * days, "p90": [0.95] * count * days,
            "cases": [480.0 / count] * count * days,
        }
        for scope, count in size.items()
    }  # fmt: skip
    starts = {
        scope: [(start + i * DAY / count).isoformat() for i in range(count * days)]
        for scope, count in size.items()
    }
    return Certificate.from_document(
        {
            "start": start.isoformat(), "end": (start + days * DAY).isoformat(),
            "seed": seed_of(3, "certificate"), "replications": 100, "messages": 1,
            "starts": starts, "goals": [goal, goal | {"queue": ""}], "series": [series, series],
            "backlog": {}, "occupancy": [],
        }
    )  # fmt: skip


@pytest.fixture
def small(sqlite_url: str) -> Iterator[Store]:
    """A store with a brand of one queue, before the plan's days."""
    store = open_store(sqlite_url, clock=FixedClock(MONDAY - timedelta(hours=8)))
    with store.writing("ann") as writing:
        save_brand(writing, small_brand())
    yield store
    store.close()


def later(store: Store, at: datetime) -> Store:
    """The same store at another time."""
    return Store(store.engine, FixedClock(at))


def record(store: Store, *cases: CaseResult) -> None:
    """An import of these cases."""
    with store.writing("ann") as writing:
        number = record_import(writing, "cases", "f.csv", sha256="", options={})
        keyed = [(f"{number}-{i}", case) for i, case in enumerate(cases)]
        results.write_results(writing, keyed, number)


def a_day(start: datetime, on_time: int, late: int) -> list[CaseResult]:
    """Cases evenly over a day, so many answered in time and so many not."""
    step = DAY / (on_time + late)
    return [
        CaseResult("x", at, at + timedelta(minutes=5 if i < on_time else 40), None, None)
        for i, at in enumerate(start + k * step for k in range(on_time + late))
    ]


# -- made anew -----------------------------------------------------------------------------------


def test_a_plan_is_certified_anew_on_a_fresh_seed_each_time(small: Store):
    plan_id = keep_plan(small)
    stages: list[str] = []
    first = certify_plan(
        small, CertifyRequest(plan_id, 6), "ann", lambda done, stage: stages.append(stage)
    )
    second = certify_plan(small, CertifyRequest("latest", 6), "ann")

    newest, before, own = certificates.listing(small, plan_id)
    assert (newest.certificate_id, before.certificate_id) == (second, first)
    assert (newest.own, before.own, own.own) == (False, False, True)
    streams = {seed_of(3, stream) for stream in ("risk", "rehearsal", "certificate")}
    assert len({newest.seed, before.seed, own.seed} | streams) == 5
    made = newest.certificate
    assert (made.start, made.end) == (MONDAY, MONDAY + 2 * DAY)
    assert (made.replications, made.seed, made.goals) == (6, newest.seed, newest.goals)
    assert newest.overall.attainment > 0.9
    assert newest.kept is made.kept
    assert {"sampling days", "keeping the certificate"} <= set(stages)
    # What the plan was made with is what the plan still shows.
    assert own.certificate == own_certificate(MONDAY, 2)


@pytest.mark.parametrize("stream", ["risk", "rehearsal", "saving"])
def test_no_seed_that_the_plan_was_made_on_proves_it(small: Store, stream: str):
    seed = seed_of(load_plan(small, keep_plan(small)).seed, stream)
    with pytest.raises(RequestError, match="would flatter it"):
        certify_plan(small, CertifyRequest("latest", 2, seed), "ann")


def test_the_same_seed_gives_the_same_certificate(small: Store):
    keep_plan(small)
    one, other = (
        certificates.load(small, certify_plan(small, CertifyRequest("latest", 4, 77), "ann"))
        for _ in range(2)
    )
    assert one.certificate == other.certificate
    assert (one.seed, one.replications, one.actor) == (77, 4, "ann")


def test_a_job_that_is_carried_out_again_keeps_one_and_a_cancelled_one_none(small: Store):
    plan_id = keep_plan(small)

    def stop(done: float, stage: str) -> None:
        if done > 0.5:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        certify_plan(small, CertifyRequest(plan_id, 2), "ann", stop, job_id="job-1")
    assert len(certificates.listing(small)) == 1
    kept = [
        certify_plan(small, CertifyRequest(plan_id, 2), "ann", job_id="job-1") for _ in range(2)
    ]
    assert kept[0] == kept[1]
    assert len(certificates.listing(small)) == 2


def test_the_shift_that_runs_into_the_plan_is_still_worked(small: Store):
    agent = Agent("n1", "Nia", (ContractTerm("full", date(2025, 1, 1)),), (Skill("x"),))
    night = table_of(
        ROSTER,
        [
            {"agent_id": "n1", "start": MONDAY - timedelta(hours=4), "end": MONDAY + DAY,
             "activity": "on_queue", "queue": "", "template": "night", "pinned": False}
        ],
    )  # fmt: skip
    with small.writing("ann") as writing:
        save_agents(writing, [agent])
    before = keep_plan(small, MONDAY - DAY, 1, roster=night)
    with small.writing("ann") as writing:
        plans.publish(writing, before)
    nobody = keep_plan(small, days=1, on_shift=ON_SHIFT.empty())
    made = certificates.load(small, certify_plan(small, CertifyRequest(nobody, 2), "ann"))
    assert made.overall.attainment > 0
    assert made.certificate.occupancy[0] is not None


def test_what_cannot_be_certified_says_why(small: Store):
    with pytest.raises(NotFound, match="there is no plan"):
        certify_plan(small, CertifyRequest("latest"), "ann")
    for wrong in (1, 2_001):
        with pytest.raises(RequestError, match="between 2 and"):
            CertifyRequest("latest", wrong)
    with pytest.raises(RequestError, match="seed"):
        CertifyRequest("latest", seed=-1)
    keep_plan(small)
    with small.writing("ann") as writing:
        save_brand(writing, small_brand("x", "y"))
    with pytest.raises(DataError, match=r"other queues than the brand has today \(y\)"):
        certify_plan(small, CertifyRequest("latest", 2), "ann")
    with pytest.raises(NotFound, match="`wfm certificates` lists them"):
        certificates.load(small, 99)


def test_a_request_is_the_same_after_a_round_trip():
    request = CertifyRequest(4, 50, 9)
    assert CertifyRequest.from_document(request.to_document()) == request


# -- what came -----------------------------------------------------------------------------------


def publish(store: Store, plan_id: int) -> int:
    with store.writing("ann") as writing:
        return plans.publish(writing, plan_id)


def test_recorded_days_are_held_against_the_band_that_was_promised(small: Store):
    plan_id = keep_plan(small)
    record(small, *a_day(MONDAY, 90, 10), *a_day(MONDAY + DAY, 80, 20))
    # A draft has promised nothing.
    assert certificates.score_due(small) == 0
    assert certificates.calibration(small).days == 0
    publish(small, plan_id)
    assert certificates.score_due(small) == 1
    assert certificates.score_due(small) == 0

    found = certificates.calibration(small)
    assert (found.days, found.coverage, found.bias) == (2, 0.5, pytest.approx(-5.0))
    x = found.table[found.table["queue"] == "x"]
    assert x["attained"].tolist() == [0.9, 0.8]
    assert x["inside"].tolist() == [True, False]
    assert not x["afterwards"].any()
    hours = certificates.calibration(small, scope="hour", queue="x")
    assert (hours.days, set(hours.table["queue"])) == (48, {"x"})


def test_what_is_imported_later_changes_the_scores(small: Store):
    publish(small, keep_plan(small))
    record(small, *a_day(MONDAY, 90, 10))
    certificates.score_due(small)
    assert certificates.calibration(small).days == 1
    record(small, *a_day(MONDAY, 0, 100), *a_day(MONDAY + DAY, 90, 10))
    assert certificates.score_due(small) == 1
    found = certificates.calibration(small, queue="x")
    assert found.table["cases"].tolist() == [200, 100]


def test_of_each_day_the_plan_counts_that_was_in_force(small: Store):
    first = keep_plan(small)
    publish(small, first)
    tuesday = later(small, MONDAY + timedelta(hours=20))
    second = keep_plan(tuesday, MONDAY + DAY, 1)
    publish(tuesday, second)
    # Planned again when all was over: that promised nothing.
    rehearsed = later(small, MONDAY + 5 * DAY)
    publish(rehearsed, keep_plan(rehearsed))
    record(rehearsed, *a_day(MONDAY, 90, 10), *a_day(MONDAY + DAY, 90, 10))
    certificates.score_due(rehearsed)
    found = certificates.calibration(rehearsed, queue="x")
    assert found.table["plan_id"].tolist() == [first, second]
    assert not found.table["afterwards"].any()


def test_a_plan_that_was_published_afterwards_says_so(small: Store):
    over = later(small, MONDAY + 5 * DAY)
    publish(over, keep_plan(over))
    record(over, *a_day(MONDAY, 90, 10))
    certificates.score_due(over)
    assert certificates.calibration(over).table["afterwards"].all()


def test_only_the_last_days_can_be_asked_for(small: Store):
    publish(small, keep_plan(small))
    record(small, *a_day(MONDAY, 90, 10), *a_day(MONDAY + DAY, 90, 10))
    certificates.score_due(small)
    wednesday = later(small, MONDAY + 2 * DAY)
    assert certificates.calibration(wednesday, 1).days == 1
    with pytest.raises(RequestError, match="look back over 1 to"):
        certificates.calibration(wednesday, 0)
    with pytest.raises(NotFound, match="no queue 'y'"):
        certificates.calibration(wednesday, queue="y")


def test_cases_of_our_own_queue_count_when_their_day_is_over(small: Store):
    publish(small, keep_plan(small))
    opened = MONDAY + timedelta(minutes=10)
    converse(small, opened, 5, 60, 8)
    evening = later(small, MONDAY + timedelta(hours=22))
    certificates.score_due(evening)
    assert certificates.calibration(evening).days == 0
    midnight = later(small, MONDAY + DAY + timedelta(minutes=1))
    assert certificates.score_due(midnight) == 1
    assert certificates.score_due(midnight) == 0
    found = certificates.calibration(midnight, queue="x")
    assert found.table[["cases", "on_time"]].to_numpy().tolist() == [[1, 1]]

    with small.reading() as connection:
        (case,) = results.own_cases(connection, "x", MONDAY, MONDAY + DAY)
    minutes = [opened + timedelta(minutes=minute) for minute in (0, 5, 65, 73)]
    assert (case.received_at, case.first_response_at) == (minutes[0], minutes[1])
    # It paused from our reply until the customer wrote again, and ended with our last one.
    assert case.pauses == ((minutes[1], minutes[2]),)
    assert case.resolved_at == minutes[3]


def test_our_own_queue_tells_how_long_a_first_reply_took_from_its_last_claim(small: Store):
    publish(small, keep_plan(small))
    brand = small_brand()
    minute = timedelta(minutes=1)
    opened = MONDAY + timedelta(hours=1)
    contact = Contact("x", "@x", "1", "x", "kim", "Hello?", opened)
    take_in(later(small, opened), contact, brand=brand, actor="test", raw_body="{}")

    def claimed(after: timedelta) -> claims.Claimed:
        held = claims.claim_next(later(small, opened + after), "a0", brand=brand, actor="test")
        assert held is not None
        return held

    held = claimed(2 * minute)
    with small.reading() as connection:
        (case,) = results.own_cases(connection, "x", MONDAY, MONDAY + DAY)
    assert case.handling_s is None
    claims.release(
        later(small, opened + 3 * minute), held.case.case_id, held.lease_token, actor="t"
    )
    held = claimed(4 * minute)
    case_id, token = held.case.case_id, held.lease_token
    answered = later(small, opened + 9 * minute)
    claims.answer(answered, case_id, token, "Here.", brand=brand, actor="test")
    with small.reading() as connection:
        (case,) = results.own_cases(connection, "x", MONDAY, MONDAY + DAY)
        recorded = recorded_of(
            connection,
            brand.queue("x"),
            MONDAY,
            MONDAY + DAY,
            extents=extents_of(connection)["x"],
            now=MONDAY + DAY,
        )
    assert case.handling_s == 300.0
    assert recorded.handling_s is not None
    assert recorded.handling_s.tolist() == [300.0]


def converse(store: Store, at: datetime, *minutes: int) -> None:
    """A case of our own queue: a message, and so many minutes later in turn a reply and another."""
    brand = small_brand()
    for i, wait in enumerate((0, *minutes)):
        at += timedelta(minutes=wait)
        now = later(store, at)
        if i % 2 == 0:
            contact = Contact("x", "@x", str(i), "x", "kim", "Hello?", at)
            take_in(now, contact, brand=brand, actor="test", raw_body="{}")
        else:
            held = claims.claim_next(now, "a0", brand=brand, actor="test")
            assert held is not None
            case_id, token = held.case.case_id, held.lease_token
            claims.answer(now, case_id, token, "Here you are.", brand=brand, actor="test")
