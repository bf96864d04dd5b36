"""Compiled code is found again only as long as all that it is made of is the same."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from scheduling.compiled import compiled, inner, made_of

HELPER = "def helper(x):\n    return STEP * x\n"
OUTER = "def outer(x):\n    return helper(x) + OTHER\n"


def outer_of(*, helper: str = HELPER, outer: str = OUTER, step: int = 2) -> Callable[[int], int]:
    """A compiled function that calls one of another module, which reads a constant there."""
    below, above = ModuleType("below"), ModuleType("above")
    below.__dict__["STEP"] = step
    exec(helper, below.__dict__)
    above.__dict__.update(helper=inner_without_disk(below.helper), OTHER=1)
    exec(outer, above.__dict__)
    return above.outer


def inner_without_disk(function: Callable[[int], int]) -> Callable[[int], int]:
    """As the file has it: numba asks where a function stands before it keeps it."""
    function.__code__ = function.__code__.replace(co_filename=__file__)
    return inner(function)


def test_the_fingerprint_holds_what_is_called_and_what_constants_it_reads():
    same = made_of(outer_of())
    assert made_of(outer_of()) == same
    others = {
        made_of(outer_of(step=3)),
        made_of(outer_of(helper=HELPER.replace("*", "+"))),
        made_of(outer_of(outer=OUTER.replace("+", "-"))),
    }
    assert len({same, *others}) == 4


FILES = {
    "kept_below.py": "from scheduling.compiled import inner\nSTEP = 2\n@inner\n" + HELPER,
    "kept_above.py": (
        "from scheduling.compiled import compiled\nfrom kept_below import helper\nOTHER = 1\n"
        "@compiled\n" + OUTER
    ),
}


def test_a_change_in_another_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def answer() -> tuple[int, int]:
        for name, text in FILES.items():
            (tmp_path / name).write_text(text)
            sys.modules.pop(name.removesuffix(".py"), None)
        outer = importlib.import_module("kept_above").outer
        return outer(5), sum(outer.stats.cache_hits.values())

    assert answer() == (11, 0)
    assert answer() == (11, 1)
    monkeypatch.setitem(
        FILES, "kept_below.py", FILES["kept_below.py"].replace("STEP = 2", "STEP = 30")
    )
    assert answer() == (151, 0)
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


def test_it_stays_a_function_of_arrays_and_numbers():
    assert compiled(outer_plain)(3) == 4


def outer_plain(x: int) -> int:
    return x + 1
