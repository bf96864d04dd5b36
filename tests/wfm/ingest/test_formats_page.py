"""The examples of docs/formats.md are read out of the page and work as they stand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from wfm.brands import Brand
from wfm.campaigns import Campaign
from wfm.ingest.agents import import_agents
from wfm.ingest.brandfile import import_brand, read_brand
from wfm.ingest.campaigns import import_campaigns
from wfm.ingest.connectors.twitter import Twitter
from wfm.ingest.connectors.webhook import Webhook
from wfm.ingest.contacts import import_contacts
from wfm.ingest.history import load_volumes
from wfm.ingest.intake import take_in_many
from wfm.ingest.replay import Pace, record, replay
from wfm.ingest.results import import_results
from wfm.ingest.volumes import import_volumes
from wfm.people import Availability, Preference, Skill, TimeOff
from wfm.store.brands import load_brand
from wfm.store.campaigns import load_campaigns
from wfm.store.cases import messages_of
from wfm.store.engine import Store
from wfm.store.people import load_agents
from wfm.store.results import recorded


@pytest.fixture
def example(examples: dict[str, str], tmp_path: Path):
    def write(name: str) -> Path:
        path = tmp_path / name
        path.write_text(examples[name], encoding="utf-8")
        return path

    return write


def test_the_page_has_an_example_of_every_format(examples: dict[str, str]):
    assert set(examples) == {
        "brand.toml",
        "care.toml",
        "agents.csv",
        "volumes.csv",
        "contacts.csv",
        "campaigns.csv",
        "cases.csv",
        "webhook.json",
        "tweets.csv",
    }


def test_the_brand_of_the_page_is_stored_as_it_was_read(store: Store, brand_path: Path):
    report = import_brand(store, brand_path, actor="tester")

    assert (report.written, report.unchanged) == (1, 0)
    with store.reading() as connection:
        stored = load_brand(connection)
    assert stored == read_brand(brand_path)
    assert isinstance(stored, Brand)
    assert [q.name for q in stored.queues] == ["x", "email", "linkedin"]
    assert stored.queue("linkedin").markets == ("DE", "UK")


def test_the_agents_of_the_page_come_out_as_it_says(branded: Store, example):
    report = import_agents(branded, example("agents.csv"), actor="tester")

    assert (report.rows_read, report.written) == (4, 3)
    with branded.reading() as connection:
        ada, ben, cem = load_agents(connection)
    assert ada.time_off == (
        TimeOff(date(2026, 3, 2), date(2026, 3, 6)),
        TimeOff(date(2026, 3, 20), date(2026, 3, 20)),
    )
    assert ada.preferences == (Preference("day_off", "sat"), Preference("prefer_template", "early"))
    assert [ben.contract_on(date(2026, 2, 28)), ben.contract_on(date(2026, 3, 1))] == [
        "part",
        "full",
    ]
    assert Availability(5, 8 * 60, 16 * 60) in ben.availability
    assert cem.skills == (Skill("x", 3), Skill("linkedin", 3))
    assert Availability(0, 0, 8 * 60) in cem.availability  # the morning after Sunday's evening
    assert cem.preferences == (Preference("day_off", "sun", 2.0),)


def test_the_volumes_of_the_page_add_up(branded: Store, example):
    report = import_volumes(branded, [example("volumes.csv")], actor="tester")

    assert report.steps_s == {"x": 900, "email": 3600}
    with branded.reading() as connection:
        volumes = load_volumes(connection)
    assert volumes.groupby("queue")["contacts"].sum().to_dict() == {"email": 8, "x": 36}
    assert len(volumes) == 4 + 8


def test_the_contacts_of_the_page_are_rolled_up(branded: Store, example):
    report = import_contacts(branded, example("contacts.csv"), actor="tester")

    assert (report.rows_read, report.written) == (4, 4)
    with branded.reading() as connection:
        volumes = load_volumes(connection, queues=["x"])
    assert volumes["contacts"].tolist() == [2, 0, 0, 1]
    assert volumes["start"].iloc[0] == datetime(2026, 2, 3, 9, tzinfo=UTC)
    assert volumes["aht_s"].iloc[0] == 380


def test_the_campaigns_of_the_page_take_local_time_and_defaults(branded: Store, example):
    report = import_campaigns(branded, example("campaigns.csv"), actor="tester")

    assert report.written == 3
    with branded.reading() as connection:
        outage, sale, launch = load_campaigns(connection)
    assert sale.start == datetime(2026, 3, 9, 8, tzinfo=UTC)  # 09:00 in Berlin
    assert sale.queues == ("email", "x")
    assert (outage.category, outage.peak_uplift, outage.reach) == ("outage", 2.5, 0)
    assert launch == Campaign(
        "New app",
        datetime(2026, 3, 20, 8, tzinfo=UTC),
        datetime(2026, 3, 20, 20, tzinfo=UTC),
        ("x", "email", "linkedin"),
        "launch",
        400_000,
    )


def test_the_cases_of_the_page_are_kept(branded: Store, example):
    report = import_results(branded, [example("cases.csv")], actor="tester")

    assert (report.rows_read, report.written) == (4, 4)
    start, end = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (8, 9))
    with branded.reading() as connection:
        x = list(recorded(connection, "x", start, end))
        (email,) = recorded(connection, "email", start, end)
    assert [case.paused_s for case in x] == [None, 5400.0, None]
    assert email.received_at == datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
    assert email.first_response_at is None


def test_the_webhook_of_the_page_is_taken_in_as_it_says(branded: Store, examples: dict[str, str]):
    brand = brand_of(branded)
    items = list(Webhook().read(examples["webhook.json"].encode(), source="shop"))
    taken = take_in_many(branded, items, brand=brand, actor="tester")
    assert [one.outcome for one in taken] == ["opened", "edited", "deleted", "deleted"]
    with branded.reading() as connection:
        (message,) = messages_of(connection, 1)
    assert message.text == "Where is my parcel? It was due on Friday."


def test_the_tweets_of_the_page_are_replayed(branded: Store, example, tmp_path: Path):
    (tmp_path / "spool").mkdir()
    done = replay(
        branded,
        record(example("tweets.csv"), tmp_path / "spool"),
        brand=brand_of(branded),
        twitter=Twitter("@harbourandpine"),
        actor="tester",
        pace=Pace(0),
    )
    assert dict(done.taken) == {"opened": 1, "joined": 1, "left_out": 1}


def brand_of(store: Store) -> Brand:
    with store.reading() as connection:
        return load_brand(connection)
