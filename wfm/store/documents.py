"""Frozen dataclasses as JSON documents and back, exactly.

Tuples and sets become lists (sets sorted), dates and instants ISO text. A document that lacks a
field takes the field's default, so that a field may be added later.

On the live queue's path: standard library only.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints


def to_document(value: Any) -> Any:
    """`value` as what JSON can hold."""
    if dataclasses.is_dataclass(value):
        return {f.name: to_document(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (set, frozenset)):
        return sorted(to_document(item) for item in value)
    if isinstance(value, (tuple, list)):
        return [to_document(item) for item in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value


T = TypeVar("T")


def from_document(cls: type[T], document: Mapping[str, Any]) -> T:
    """The `cls` that `to_document` wrote."""
    return cast(T, _build(cls, document))


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _build(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if dataclasses.is_dataclass(hint):
        hints = _hints(cast(type, hint))
        known = {name: _build(hints[name], item) for name, item in value.items() if name in hints}
        return cast(type, hint)(**known)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _build(next(a for a in get_args(hint) if a is not type(None)), value)
    if origin in (tuple, frozenset):
        return origin(_build(get_args(hint)[0], item) for item in value)
    if hint in (date, datetime):
        return hint.fromisoformat(value)
    return value
