from __future__ import annotations

from datetime import UTC, datetime, timedelta

from api.console.views import Views
from api.planning import records
from wfm.store.engine import open_store
from wfm.timegrid import FixedClock


def test_an_empty_store_has_no_brand_and_no_plan(store):
    views = Views(store)

    assert views.brand() is None
    assert views.plan() is None
    assert views.agents() == ()


def test_the_newest_draft_is_shown_until_something_is_published(store, fill, brand):
    draft = fill(store)
    views = Views(store)

    assert views.brand() == brand
    assert (views.plan().plan_id, views.plan().state) == (draft, "draft")

    records.publish(store, draft, "test")

    assert (views.plan().state, views.plan().version) == ("published", 1)


def test_a_newer_draft_does_not_hide_the_published_plan(store, fill):
    published = fill(store)
    records.publish(store, published, "test")
    with store.reading() as connection:
        document = records.plans.find(connection, published)
        certificate = records.plans.certificate_document(connection, published)
    with store.writing("test") as writing:
        newer = records.plans.insert_draft(
            writing,
            start=document.start,
            end=document.end,
            seed=99,
            lineage={},
            summary={},
            certificate=certificate,
            frames={
                name: records.plans.read_frame(writing.connection, name, published)
                for name in ("forecast", "requirement", "roster", "staffing", "on_shift")
            },
        )

    assert newer > published
    assert Views(store).plan().plan_id == published


def test_the_tables_are_those_that_were_stored_and_are_read_once(store, fill, plan):
    fill(store)
    views = Views(store)

    first, again = views.plan(), views.plan()

    assert first.tables is again.tables
    assert len(first.tables.roster) == len(plan.tables.roster)
    assert first.tables.staffing["required"].sum() == plan.tables.staffing["required"].sum()
    assert set(first.tables.hours["queue"]) == {"", "x", "facebook", "instagram"}


def test_history_is_what_was_imported(store, fill, plan):
    fill(store)

    week = Views(store).history(plan.start - timedelta(days=7), plan.start)

    assert len(week) == 7 * 96 * 3


def test_a_clock_that_stands_still_counts_as_set(sqlite_url):
    store = open_store(sqlite_url, clock=FixedClock(datetime(2026, 3, 2, tzinfo=UTC)))

    assert Views(store).now().is_set

    store.close()


def test_the_machines_clock_does_not_count_as_set(sqlite_url):
    store = open_store(sqlite_url)

    assert not Views(store).now().is_set

    store.close()
