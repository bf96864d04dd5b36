"""Domain objects go into the store and come out the same; light modules stay light."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from wfm.brands import Brand, Market, Planning, Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.campaigns import Campaign
from wfm.errors import Conflict, NotFound
from wfm.people import Agent, BreakRule, Contract, ContractTerm, ShiftTemplate, Skill, TimeOff
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store.brands import load_brand, save_brand
from wfm.store.campaigns import load_campaigns, save_campaigns
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Store
from wfm.store.people import load_agents, save_agents
from wfm.store.tables import audit
from wfm.store.volumes import Count, record_import, stored_counts, volume_rows, write_counts

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BRAND = Brand(
    "Brand",
    "Europe/Berlin",
    (Market("DE", "DE", "Europe/Berlin"),),
    (
        Queue(
            "x",
            "x",
            "@b",
            "en",
            ServiceWindow((Hours("UTC", frozenset({6, 0}), 0, 600, "DE"),)),
            (ServiceGoal(), ServiceGoal("resolution", 86_400, 0.8, "day")),
            OpeningGoal(),
            WorkLaw(),
        ),
    ),
    (Contract("full", ("early",), 8.0, 40.0),),
    (ShiftTemplate("early", 480, (360,), (BreakRule("meal", 30, 180, 240),)),),
    planning=Planning(occupancy_cap=0.8),
)
AGENT = Agent(
    "a1",
    "Ada",
    (ContractTerm("full", date(2025, 1, 1)),),
    (Skill("x", 4),),
    time_off=(TimeOff(date(2026, 3, 2), date(2026, 3, 3)),),
)
CAMPAIGN = Campaign("Sale", AT, AT + timedelta(hours=4), ("x",))


@pytest.mark.parametrize("value", [BRAND, AGENT, CAMPAIGN], ids=["brand", "agent", "campaign"])
def test_a_document_gives_back_what_was_put_in(value: object):
    document = json.loads(json.dumps(to_document(value)))
    assert from_document(type(value), document) == value


def test_a_document_without_a_later_field_takes_its_default():
    document = to_document(BRAND)
    del document["planning"]
    assert from_document(Brand, document).planning == Planning()


def test_a_brand_is_stored_once_and_only_one(store: Store):
    with store.reading() as connection, pytest.raises(NotFound, match="wfm import brand"):
        load_brand(connection)
    for _ in range(2):
        with store.writing("ann") as writing:
            save_brand(writing, BRAND)
    with store.reading() as connection:
        assert load_brand(connection) == BRAND
        assert connection.scalar(sa.select(sa.func.count()).select_from(audit)) == 1
    other = Brand("Other", "UTC", (), (), (), ())
    with pytest.raises(Conflict, match="holds one brand"), store.writing("ann") as writing:
        save_brand(writing, other)


def test_agents_and_campaigns_come_back_in_order(store: Store):
    second = Agent("a0", "Ben", (), (Skill("x"),))
    earlier = Campaign("Early", AT - timedelta(days=1), AT, ("x",))
    with store.writing("ann") as writing:
        save_agents(writing, [AGENT, second])
        save_campaigns(writing, [CAMPAIGN, earlier])
    with store.reading() as connection:
        assert load_agents(connection) == (second, AGENT)
        assert load_campaigns(connection) == (earlier, CAMPAIGN)


def test_the_last_write_of_a_key_counts_and_contacts_win(store: Store):
    slots = [AT + timedelta(minutes=15 * i) for i in range(3)]
    with store.writing("ann") as writing:
        number = record_import(writing, "volumes", "f", sha256="", options={})
        write_counts(writing, "volumes", [(("x", at), Count(1, None)) for at in slots], number)
        write_counts(writing, "volumes", [(("x", slots[0]), Count(2, 60.0, True))], number)
        write_counts(writing, "contacts", [(("x", slots[1]), Count(9, 90.0))], number)
    with store.reading() as connection:
        rows = [tuple(row) for row in volume_rows(connection)]
        held = stored_counts(connection, "volumes", ["x"], slots[0], slots[1])
    assert rows == [
        (slots[0], "x", 2, 60.0),
        (slots[1], "x", 9, 90.0),
        (slots[2], "x", 1, None),
    ]
    assert held == {("x", slots[0]): Count(2, 60.0, True), ("x", slots[1]): Count(1, None)}


def test_the_store_modules_load_no_tables_library():
    modules = ["brands", "people", "campaigns", "volumes", "bulk", "documents"]
    program = (
        "import sys\n"
        + "\n".join(f"import wfm.store.{name}" for name in modules)
        + "\nprint(sorted({'pandas', 'numpy', 'pyarrow', 'alembic'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]", said.stderr
