"""The small desk of the edits' tests, laid out for trying."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "editing"))
from editdesk import WORK, make_ground, make_table

from scheduling.why.costs import Desk, desk_of


def make_desk(work: dict[str, tuple[tuple[int, str, int], ...]] = WORK, **changes: object) -> Desk:
    """The desk with this work; changes as in `make_ground`."""
    ground = make_ground(**changes)
    return desk_of(make_table(ground, work), ground)
