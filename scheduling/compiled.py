"""Compiled functions, kept on disk and compiled anew when anything that they are made of changes.

numba keeps machine code beside the file of a function, and notices a change in that file alone.
What the function calls, and every constant it reads, is in the machine code too, from whatever file
it comes; so it is part of the key here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

Function = TypeVar("Function", bound=Callable[..., object])

# What compiled code takes over of a global as it is.
FROZEN = (bool, int, float, str, tuple, np.generic)


def compiled(function: Function) -> Function:
    """Compiles a function of arrays and numbers; other threads may run at the same time."""
    return _kept(function, nogil=True)


def inner(function: Function) -> Function:
    """Compiles what only compiled functions call, without counting references to arrays.

    The counting costs several times the work of a small function. It can make no arrays for it.
    """
    return _kept(function, nogil=True, _nrt=False)


def made_of(function: Callable[..., object]) -> str:
    """A fingerprint of a function, of all compiled ones that it calls, and of their constants."""
    texts = sorted(set(_parts(function, set())))
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _kept(function: Function, **options: Any) -> Function:
    dispatcher: Any = njit(**options)(function)
    if isinstance(dispatcher, Dispatcher):  # a plain function where compiling is switched off
        dispatcher._cache = _Cache(function)  # type: ignore[attr-defined, no-untyped-call]
    return cast("Function", dispatcher)


class _Cache(FunctionCache):
    # What numba looks for and keeps on disk is found by this.
    def _index_key(self, sig: tuple[Any, ...], codegen: object) -> tuple[object, ...]:
        # Fields are read by their place.
        fields = tuple(tuple(getattr(kind, "fields", ())) for kind in sig)
        key = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return (*key, fields, made_of(self._py_func))


def _parts(function: Callable[..., object], seen: set[object]) -> Iterator[str]:
    seen.add(function)
    code = function.__code__
    name = f"{function.__module__}.{function.__qualname__}"
    yield f"{name} {code.co_code.hex()} {code.co_consts!r} {code.co_varnames} {code.co_names}"
    for global_name in code.co_names:
        value = function.__globals__.get(global_name)
        if isinstance(value, Dispatcher):
            if value.py_func not in seen:
                yield from _parts(value.py_func, seen)
        elif isinstance(value, FROZEN):
            yield f"{name} {global_name} {value!r}"
        elif fields := getattr(value, "_fields", None):
            yield f"{name} {global_name} {fields}"
