"""What routes are given: the store, its clock, the settings; put on the app by `create_app`."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from wfm.brands import Brand
from wfm.settings import Settings
from wfm.store.brands import load_brand
from wfm.store.engine import Store
from wfm.timegrid import Clock


def store_of(connection: HTTPConnection) -> Store:
    """The store the app was made with."""
    return cast(Store, connection.app.state.store)


def clock_of(connection: HTTPConnection) -> Clock:
    """The clock users see: the machine's, or the one that was set."""
    return store_of(connection).clock


def settings_of(connection: HTTPConnection) -> Settings:
    """The settings the app was made with."""
    return cast(Settings, connection.app.state.settings)


def brand_of(connection: HTTPConnection) -> Brand:
    """The store's brand; NotFound while none was imported."""
    with store_of(connection).reading() as reading:
        return load_brand(reading)


StoreDep = Annotated[Store, Depends(store_of)]
ClockDep = Annotated[Clock, Depends(clock_of)]
SettingsDep = Annotated[Settings, Depends(settings_of)]
BrandDep = Annotated[Brand, Depends(brand_of)]
