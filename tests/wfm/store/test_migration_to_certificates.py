"""A store of the second version: its plans keep their certificates and the reasons they had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from wfm.store import certificates, plans
from wfm.store import engine as engine_module
from wfm.store.engine import make_engine, open_store

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DOCUMENT = {"seed": 13, "replications": 60, "goals": [{"queue": "x"}], "series": [{"day": [0.5]}]}


def test_the_certificate_of_a_plan_becomes_its_first_and_its_tables_stay(new_url: str):
    engine = make_engine(new_url)
    config = Config()
    folder = Path(engine_module.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    plain_utc = engine.dialect.name == "sqlite"

    def stored(instant: datetime) -> datetime:
        return instant.replace(tzinfo=None) if plain_utc else instant

    with engine.connect() as plain:
        connection = plain.execution_options(wfm_write=True)
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "0002")
        metadata = sa.MetaData()
        table, needed = (
            sa.Table(name, metadata, autoload_with=connection)
            for name in ("plans", "plan_requirement")
        )
        connection.rollback()
        with connection.begin():
            for plan_id, document in ((1, DOCUMENT), (2, {})):
                connection.execute(
                    table.insert().values(
                        plan_id=plan_id, state="draft", starts_at=stored(MONDAY),
                        ends_at=stored(MONDAY + timedelta(days=7)), seed=9, inputs={}, summary={},
                        certificate=document, actor="ann",
                        written_at=stored(MONDAY - timedelta(days=3)),
                    )
                )  # fmt: skip
            connection.execute(
                needed.insert().values(
                    plan_id=1, queue="x", start=stored(MONDAY), workload=1.5, agents=3,
                    agents_exact=2.5, attainment=0.9, attainment_low=0.8, attainment_high=1.0,
                    binding="queue",
                )
            )  # fmt: skip
    engine.dispose()

    store = open_store(new_url)
    with store.reading() as connection:
        second, first = certificates.listing(connection)
        assert plans.certificate_document(connection, 1) == DOCUMENT
        assert plans.certificate_document(connection, 2) == {}
        (row,) = plans.read_frame(connection, "requirement", 1).to_dict("records")
        left = sa.inspect(connection).get_columns("plans")
    store.close()
    assert (first.plan_id, first.own, first.seed, first.replications) == (1, True, 13, 60)
    assert (first.made_at, first.actor) == (MONDAY - timedelta(days=3), "ann")
    assert first.summary == {"goals": [{"queue": "x"}]}
    # Of an empty certificate no more is known than its plan tells.
    assert (second.plan_id, second.seed, second.replications) == (2, 9, 0)
    assert (row["binding"], row["need_first"], row["factor"]) == ("first", 2.5, 1.0)
    assert "certificate" not in {column["name"] for column in left}
