"""What routes are given: the store, which `create_app` put on the app, and its brand; and what
instants they take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends
from pydantic import AfterValidator, AwareDatetime
from starlette.requests import HTTPConnection

from wfm.brands import Brand
from wfm.store.brands import load_brand
from wfm.store.engine import Store


def store_of(connection: HTTPConnection) -> Store:
    """The store the app was made with."""
    return cast(Store, connection.app.state.store)


def brand_of(connection: HTTPConnection) -> Brand:
    """The store's brand; NotFound while none was imported."""
    with store_of(connection).reading() as reading:
        return load_brand(reading)


StoreDep = Annotated[Store, Depends(store_of)]
BrandDep = Annotated[Brand, Depends(brand_of)]


def _of_our_time(instant: datetime) -> datetime:
    if not 2000 <= instant.year < 2100:
        raise ValueError("must lie between the years 2000 and 2099")
    return instant


# An instant with its zone, far enough from the ends of the calendar to reckon with.
Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]

# What the store can count to.
MAX_ID = 2**31 - 1
