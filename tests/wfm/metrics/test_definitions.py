"""Every figure is defined once, and the docs say it in the same words."""

from __future__ import annotations

from pathlib import Path

from wfm.metrics.cells import Total
from wfm.metrics.definitions import BY_NAME, DEFINITIONS
from wfm.metrics.figures import figures_of

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_names_are_unique_and_each_has_a_figure():
    assert len(BY_NAME) == len(DEFINITIONS)
    assert list(figures_of(Total())) == [one.name for one in DEFINITIONS]


def test_the_docs_define_them_in_the_same_words_and_order():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert lines == [f"| `{one.name}` | {one.unit} | {one.text} |" for one in DEFINITIONS]


def test_of_nothing_counts_are_zero_and_shares_and_times_are_empty():
    for name, value in figures_of(Total()).items():
        assert value == (0 if BY_NAME[name].unit == "count" else None), name
