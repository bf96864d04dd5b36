"""The brand: one a store."""

from __future__ import annotations

import json
from functools import lru_cache

import sqlalchemy as sa

from wfm.brands import Brand
from wfm.errors import Conflict, NotFound
from wfm.store.bulk import upsert
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Writing
from wfm.store.tables import brand as table


def find_brand(connection: sa.Connection) -> Brand | None:
    """The store's brand, or None."""
    text = connection.execute(sa.select(sa.cast(table.c.document, sa.Text))).scalar_one_or_none()
    return None if text is None else _brand_of(text)


# Every request of the queue asks for it, and it changes once in months.
@lru_cache(maxsize=8)
def _brand_of(text: str) -> Brand:
    return from_document(Brand, json.loads(text))


def load_brand(connection: sa.Connection) -> Brand:
    """The store's brand; NotFound while there is none."""
    brand = find_brand(connection)
    if brand is None:
        raise NotFound("no brand yet; wfm import brand FILE.toml")
    return brand


def save_brand(writing: Writing, brand: Brand) -> None:
    """Keep `brand`, audited; Conflict when the store holds a brand of another name."""
    held = find_brand(writing.connection)
    if held is not None and held.name != brand.name:
        raise Conflict(
            f"this store holds the brand {held.name!r}, the file is of {brand.name!r}; "
            "a store holds one brand: point WFM_HOME or WFM_DATABASE_URL elsewhere",
            held=held.name,
            given=brand.name,
        )
    if held == brand:
        return
    document = to_document(brand)
    row = {"id": 1, "name": brand.name, "document": document, **writing.stamp}
    upsert(writing.connection, table, [row])
    before = None if held is None else to_document(held)
    writing.audit("brand.import", brand.name, before=before, after=document)
