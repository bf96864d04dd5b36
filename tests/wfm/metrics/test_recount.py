"""Every figure beside a recount of the plain rows that shares no code with the metrics.

Histories are random and lie around the day on which clocks go forward in Berlin.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wfm.metrics.definitions import DEFINITIONS
from wfm.metrics.ranges import measure
from wfm.metrics.rollups import refresh
from wfm.store import tables
from wfm.store.metricrows import Part

START = datetime(2026, 3, 27, 23, tzinfo=UTC)  # midnight of Saturday in Berlin
HOURS = 71  # Sunday has 23 hours
NOW = START + timedelta(hours=HOURS, minutes=40)

seconds = st.integers(0, HOURS * 3600 - 1)
takes = st.sampled_from((0, 1, 899, 900, 901, 3600, 3601, 50_000))


@st.composite
def promise(draw: Any, metric: str, started: int) -> dict[str, Any]:
    """A clock in any state that it can be in."""
    goals = {
        "first_response": ("first_response", "opening"),
        "next_reply": ("follow_up", "opening"),
        "resolution": ("resolution",),
    }[metric]
    state = draw(st.sampled_from(("given", "given", "running", "paused", "cancelled", "merged")))
    threshold, elapsed, longer = draw(st.sampled_from((900, 3600))), draw(takes), draw(takes)
    clock = {
        "metric": metric,
        "goal": draw(st.sampled_from(goals)),
        "started_at": started,
        "threshold_s": threshold,
        "elapsed_s": float(elapsed),
        "due_at": None,
        "running_since": None,
        "stopped_at": None,
        "outcome": None,
        "any_at": None,
        "any_elapsed_s": None,
    }
    if state == "running":
        clock |= {"running_since": started, "due_at": started + threshold}
    elif state != "paused":
        outcome = ("met" if elapsed <= threshold else "late") if state == "given" else state
        clock |= {"stopped_at": started + elapsed + longer, "outcome": outcome}
    if draw(st.booleans()):
        clock |= {"any_at": started + min(elapsed, 60), "any_elapsed_s": float(min(elapsed, 60))}
    return clock


@st.composite
def history(draw: Any) -> list[dict[str, Any]]:
    """Cases with their clocks, a customer's cases close together; tasks, holds and what is left."""
    cases = []
    for number in range(draw(st.integers(1, 6))):
        opened = draw(seconds)
        clocks = [draw(promise("first_response", opened)), draw(promise("resolution", opened))]
        if draw(st.booleans()):
            clocks.append(draw(promise("next_reply", draw(seconds))))
        due = draw(seconds)
        cases.append(
            {
                "queue": draw(st.sampled_from(("x", "chat"))),
                "account": draw(st.sampled_from(("@care", "@help"))),
                "author_id": 1 + number % 4,
                "opened_at": opened,
                "contacts": draw(st.integers(1, 3)),
                "answered": draw(st.booleans()),
                "merged": draw(st.integers(0, 4)) == 0,
                "reopened": draw(st.booleans()),
                "clocks": clocks,
                "left_out": (draw(st.sampled_from(("own", "spam", "repost"))), draw(seconds)),
                "task": (due, draw(st.sampled_from(("open", "done", "cancelled"))), draw(takes)),
                "hold": (draw(st.sampled_from(("amy", "bob"))), draw(seconds), draw(takes)),
            }
        )
    return cases


def at(second: int | None) -> datetime | None:
    return None if second is None else START + timedelta(seconds=second)


def keep(desk: Any, cases: list[dict[str, Any]]) -> None:
    """Put the history into the store; authors 1 and 2 are one customer."""
    with desk.store.writing("test") as w:
        made = {"actor": "test", "written_at": START}

        rows: dict[sa.Table, list[dict[str, Any]]] = {}

        def put(table: sa.Table, **values: Any) -> None:
            rows.setdefault(table, []).append(values)

        put(tables.customers, customer_id=1, name="Ann", **made)
        for author in range(1, 5):
            put(
                tables.authors,
                author_id=author,
                platform="x",
                native_id=str(author),
                handle="",
                verified=False,
                kind="",
                first_seen_at=START,
                customer_id=1 if author < 3 else None,
                **made,
            )
        for number, case in enumerate(cases, 1):
            put(
                tables.cases,
                case_id=number,
                author="a",
                state="closed",
                severity=0,
                received_at=at(case["opened_at"]),
                due_at=at(case["opened_at"]),
                due_goal="first_response",
                first_any_at=at(case["opened_at"]) if case["answered"] else None,
                merged_into=number % len(cases) + 1 if case["merged"] else None,
                **{name: case[name] for name in ("queue", "account", "author_id", "contacts")},
                opened_at=at(case["opened_at"]),
                **made,
            )
            for kind in ("opened", "reopened", "closed", *(["reopened"] * case["reopened"])):
                put(tables.case_events, case_id=number, kind=kind, at=START, actor="test")
            for clock in case["clocks"]:
                timed = {k: at(v) for k, v in clock.items() if k.endswith(("_at", "_since"))}
                place = {"case_id": number, "queue": case["queue"], "account": case["account"]}
                put(tables.clocks, **{**clock, **timed}, **place)
            kind, when = case["left_out"]
            put(
                tables.raw_events,
                source="s",
                account=case["account"],
                native_id=str(number),
                revision=0,
                received_at=at(when),
                body="",
                actor="test",
                kind=kind,
                queue=case["queue"],
            )
            due, state, after = case["task"]
            put(
                tables.tasks,
                case_id=number,
                kind="callback",
                title="call",
                due_at=at(due),
                state=state,
                ended_at=None if state == "open" else at(due - 450 + after),
                opened_at=START,
                **made,
            )
            agent, since, lasts = case["hold"]
            put(
                tables.handlings,
                case_id=number,
                agent_id=agent,
                queue=case["queue"],
                started_at=at(since),
                ended_at=at(min(since + lasts, HOURS * 3600)),
                ended_by="answered",
            )
            put(
                tables.presence_spans,
                agent_id=f"{agent}{number}",
                started_at=at(since),
                ended_at=at(min(since + 700, HOURS * 3600)),
                state="available",
            )
        for table, values in rows.items():
            w.connection.execute(table.insert(), values)


def recount(
    cases: list[dict[str, Any]], first: int, last: int, queue: str | None = None
) -> dict[str, Any]:
    """The figures of the seconds from `first` to before `last`, one by one as they are defined."""
    now = (NOW - START).total_seconds()
    mine = [case for case in cases if queue in (None, case["queue"])]
    within = lambda second: first <= second < last  # noqa: E731
    clocks = [clock for case in mine for clock in case["clocks"] if within(clock["started_at"])]
    own = [case for case in mine if within(case["opened_at"]) and not case["merged"]]

    def late(clock: dict[str, Any]) -> bool:
        if clock["due_at"] is not None:
            return bool(now > clock["due_at"])
        return bool(clock["elapsed_s"] > clock["threshold_s"])

    def many(metric: str, goals: tuple[str, ...], state: str) -> int:
        found = 0
        for clock in clocks:
            if clock["metric"] != metric or clock["goal"] not in goals:
                continue
            if clock["stopped_at"] is None:
                is_state = "waiting_late" if late(clock) else "waiting"
            elif clock["outcome"] == "cancelled" and clock["any_at"] is not None:
                is_state = "automatic"
            else:
                is_state = clock["outcome"]
            found += is_state == state
        return found

    both = ("first_response", "opening")
    answered = sum(many("first_response", both, one) for one in ("met", "late"))
    waiting, waiting_late, unanswered, automatic = (
        many("first_response", both, one)
        for one in ("waiting", "waiting_late", "cancelled", "automatic")
    )
    asked = answered + waiting + waiting_late + unanswered
    person = {1: "ann", 2: "ann", 3: "ben", 4: "cem"}

    def repeats(case: dict[str, Any]) -> bool:
        return any(
            not other["merged"]
            and person[other["author_id"]] == person[case["author_id"]]
            and 0 < case["opened_at"] - other["opened_at"] <= 604_800
            for other in cases
        )

    share = lambda part, whole: part / whole if whole else None  # noqa: E731
    resolved = [case["contacts"] for case in own if case["answered"]]
    tasks = [(*case["task"], case) for case in mine if within(case["task"][0])]
    due = [one for one in tasks if one[1] != "cancelled" and (one[0] <= now or one[1] == "done")]
    out = {
        "cases": len(own),
        "contacts": sum(case["contacts"] for case in own),
        "wrote_again_share": share(sum(case["contacts"] > 1 for case in own), len(own)),
        "merged": sum(within(case["opened_at"]) and case["merged"] for case in mine),
        "answered": answered,
        "waiting": waiting,
        "waiting_late": waiting_late,
        "closed_unanswered": unanswered,
        "resolved_automatically": automatic,
        "response_rate": share(answered, asked),
        "never_answered": unanswered + waiting_late,
        "never_answered_share": share(unanswered + waiting_late, asked),
        "resolved": len(resolved),
        "contacts_per_resolution": share(sum(resolved), len(resolved)),
        "reopened": sum(case["reopened"] for case in own),
        "reopened_share": share(sum(case["reopened"] for case in own), len(own)),
        "repeat_contacts": sum(map(repeats, own)),
        "repeat_share": share(sum(map(repeats, own)), len(own)),
        "follow_ups_due": len(due),
        "follow_ups_done": sum(state == "done" for _, state, _, _ in due),
        "follow_ups_late": sum(state == "open" or after > 450 for _, state, after, _ in due),
    }
    for name, kind in (("spam", "spam"), ("own_posts", "own"), ("reposts", "repost")):
        out[name] = sum(
            case["left_out"][0] == kind and within(case["left_out"][1]) for case in mine
        )
    for name, metric, goals in (
        ("first_response", "first_response", ("first_response",)),
        ("opening", "first_response", ("opening",)),
        ("next_reply", "next_reply", ("follow_up", "opening")),
        ("resolution", "resolution", ("resolution",)),
    ):
        met = many(metric, goals, "met")
        judged = met + many(metric, goals, "late") + many(metric, goals, "waiting_late")
        out |= {
            f"{name}_attainment": share(met, judged),
            f"{name}_judged": judged,
            f"{name}_late": judged - met,
        }
    given = [clock for clock in clocks if clock["outcome"] in ("met", "late")]
    for metric in ("first_response", "next_reply", "resolution"):
        of = [clock for clock in given if clock["metric"] == metric]
        out |= _times(metric, [clock["elapsed_s"] for clock in of])
        out |= _times(f"{metric}_clock", [c["stopped_at"] - c["started_at"] for c in of])
    heard = [
        clock
        for clock in clocks
        if clock["metric"] == "first_response"
        and clock["any_at"] is not None
        and clock["outcome"] != "merged"
    ]
    out |= _times("first_any", [clock["any_elapsed_s"] for clock in heard])
    out |= _times("first_any_clock", [c["any_at"] - c["started_at"] for c in heard])
    return out | {"occupancy": _occupancy(cases, first, last) if queue is None else None}


def _times(name: str, values: list[float]) -> dict[str, Any]:
    ordered = sorted(values)
    ranked = lambda share: (  # noqa: E731
        ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
    )
    return {
        f"{name}_mean_s": sum(values) / len(values) if values else None,
        f"{name}_median_s": ranked(0.5),
        f"{name}_p90_s": ranked(0.9),
    }


def _occupancy(cases: list[dict[str, Any]], first: int, last: int) -> float | None:
    """Second by second."""
    last = min(last, HOURS * 3600)
    held, present = set(), set()
    for number, case in enumerate(cases, 1):
        agent, since, lasts = case["hold"]
        spans = ((held, agent, lasts), (present, f"{agent}{number}", 700))
        for seen, name, length in spans:
            seen |= {(name, s) for s in range(max(since, first), min(since + length, last))}
    return len(held) / len(held | present) if held | present else None


@pytest.fixture
def quiet(desk: Any) -> Any:
    """The desk at the end of the history."""
    desk.clock.at = NOW
    return desk


@given(history(), st.tuples(seconds, seconds), st.booleans())
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_figure_equals_a_recount_with_kept_days_and_without(quiet, cases, cut, kept):
    quiet.empty()
    keep(quiet, cases)
    if kept:
        refresh(quiet.store, brand=quiet.brand)
    midnight = 25 * 3600  # 00:00 of Sunday in Berlin is 24 h after START; any cut will do
    for first, last in (
        (0, HOURS * 3600 + 2400),
        (min(cut), max(cut) + 1),
        (midnight, HOURS * 3600),
    ):
        for queue in (None, "x"):
            with quiet.store.reading() as connection:
                (found,) = measure(
                    connection,
                    quiet.brand,
                    START + timedelta(seconds=first),
                    START + timedelta(seconds=last),
                    now=NOW,
                    part=Part(queue=queue),
                )
            wanted = recount(cases, first, last, queue)
            assert set(wanted) == {one.name for one in DEFINITIONS}
            assert dict(found.figures) == pytest.approx(wanted)


@given(history())
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_hours_and_parts_add_up_to_the_whole(quiet, cases):
    quiet.empty()
    keep(quiet, cases)
    refresh(quiet.store, brand=quiet.brand)
    end = START + timedelta(hours=HOURS)
    counts = [one.name for one in DEFINITIONS if one.unit == "count"]
    with quiet.store.reading() as connection:
        (whole,) = measure(connection, quiet.brand, START, end, now=NOW)
        for how in ({"step": "hour"}, {"step": "day"}, {"split": "queue"}, {"split": "account"}):
            parts = measure(connection, quiet.brand, START, end, now=NOW, **how)
            for name in counts:
                assert sum(part.figures[name] for part in parts) == whole.figures[name], how


def test_a_days_hours_are_local_and_the_shortest_day_has_23(quiet):
    with quiet.store.reading() as connection:
        days = measure(
            connection, quiet.brand, START, START + timedelta(hours=HOURS), now=NOW, step="day"
        )
    assert days == ()
    keep(quiet, [_case(second) for second in (0, 24 * 3600, 47 * 3600 - 1, 47 * 3600)])
    assert refresh(quiet.store, brand=quiet.brand) == (
        date(2026, 3, 30),
        date(2026, 3, 29),
        date(2026, 3, 28),
    )
    with quiet.store.reading() as connection:
        days = measure(
            connection, quiet.brand, START, START + timedelta(hours=HOURS), now=NOW, step="day"
        )
    assert [(one.end - one.start, one.figures["cases"]) for one in days] == [
        (timedelta(hours=24), 1),
        (timedelta(hours=23), 2),
        (timedelta(hours=24), 1),
    ]


def _case(second: int) -> dict[str, Any]:
    return {
        "queue": "x",
        "account": "@care",
        "author_id": 3,
        "opened_at": second,
        "contacts": 1,
        "answered": True,
        "merged": False,
        "reopened": False,
        "clocks": [],
        "left_out": ("spam", second),
        "task": (second, "done", 0),
        "hold": ("amy", second, 60),
    }
