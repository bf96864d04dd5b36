from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from api.console import promises
from api.console.promises import Promises
from api.planning import requirements
from scheduling.promise import Promise, PromiseCost
from wfm.brands import Brand
from wfm.errors import NotFound, TryLater
from wfm.store.brands import save_brand

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Desk:
    """A store that holds nothing but a brand; and what had to be worked out from it, in order."""

    brand: Brand
    done: list[tuple] = field(default_factory=list)

    def reading(self):
        return nullcontext(self)


@pytest.fixture
def desk(monkeypatch, brand) -> Desk:
    """A desk at which everything is worked out in no time."""
    held = Desk(brand)

    def load_base(store, plan_id):
        held.done.append(("base", plan_id))
        return SimpleNamespace(plan_id=plan_id, brand=store.brand)

    def alternatives(base, queue):
        held.done.append(("alternatives", queue))
        return f"rules of {queue}"

    def costs(base, *, queue, shares, thresholds_s, risks):
        held.done.append(("cost", queue, shares, thresholds_s, risks))
        return [PromiseCost(0.9, 900, base.brand.planning.risk_quantile, 1.0, 1.0, 0.0)]

    for name, stub in (
        ("load_base", load_base),
        ("alternatives", alternatives),
        ("explain_at", lambda base, known, at: (base.plan_id, known, at)),
        ("promise_costs_of", costs),
    ):
        monkeypatch.setattr(requirements, name, stub)
    monkeypatch.setattr(promises, "load_brand", lambda connection: connection.brand)
    return held


def test_a_queues_looser_rules_are_worked_out_once_for_all_its_intervals(desk):
    reads = Promises(desk)

    first = reads.explain(3, "x", NINE)
    again = reads.explain(3, "x", NINE.replace(hour=15))

    assert first == (3, "rules of x", NINE)
    assert again == (3, "rules of x", NINE.replace(hour=15))
    assert desk.done == [("base", 3), ("alternatives", "x")]


def test_a_promise_is_reckoned_once(desk):
    reads = Promises(desk)

    own, dearer, same = (
        reads.cost(3, "x", promise)
        for promise in (Promise(), Promise(0.95, 300, "expected"), Promise())
    )

    assert same is own
    assert dearer is not own
    assert desk.done[1:] == [
        ("cost", "x", (), (), ()),
        ("cost", "x", (0.95,), (300,), ("expected",)),
    ]


def test_all_queues_together_are_asked_for_without_a_name(desk):
    Promises(desk).cost(3, "", Promise(share=0.8))

    assert desk.done[-1] == ("cost", None, (0.8,), (), ())


def test_a_brand_that_has_changed_is_reckoned_with_anew(desk):
    reads = Promises(desk)
    before = reads.cost(3, "x", Promise())

    careful = replace(desk.brand.planning, risk_quantile=0.95)
    desk.brand = replace(desk.brand, planning=careful)
    after = reads.cost(3, "x", Promise())

    assert (before.risk_quantile, after.risk_quantile) == (0.8, 0.95)
    assert [what for what, *_ in desk.done] == ["base", "cost", "base", "cost"]


def test_the_plans_certificates_are_listed_and_read(store, fill, plan):
    plan_id = fill(store)
    reads = Promises(store)

    (own,) = reads.certificates(plan_id)

    assert own.own
    assert reads.certificate(own.certificate_id).goals == plan.tables.certificate.goals
    assert reads.certificate(own.certificate_id) is reads.certificate(own.certificate_id)
    assert reads.calibration().days == 0


def test_a_plan_is_certified_anew_by_a_job(desk):
    submitted = []
    jobs = SimpleNamespace(submit=lambda *given: submitted.append(given) or "job-1")

    assert Promises(desk, jobs).certify(3, "cli:ann") == "job-1"

    ((kind, request, actor),) = submitted
    assert (kind, request["plan"], request["seed"], actor) == ("certify", 3, None, "cli:ann")


def test_without_a_runner_nothing_is_certified(desk):
    with pytest.raises(TryLater, match="wfm serve"):
        Promises(desk).certify(3, "cli:ann")


def test_a_plan_that_does_not_exist_is_named(store, brand):
    with store.writing("test") as writing:
        save_brand(writing, brand)

    with pytest.raises(NotFound, match="no plan 99"):
        Promises(store).cost(99, "x", Promise())
