"""The rule sets that come with the program say what they claim, each figure with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from wfm.errors import FileFaults
from wfm.ingest.contractfields import FIGURES, laxer
from wfm.ingest.rulesets import read_ruleset, shipped_rulesets
from wfm.rules import RULES, rules_reading

# What is law in so many words; other figures of the sets follow from these, or are advice.
LAW = {
    "eu": {"min_rest_h": 11, "weekly_rest_h": 24 + 11, "max_hours_per_week": 48},
    "uk": {"min_rest_h": 11, "weekly_rest_h": 24 + 11, "max_hours_per_week": 48},
    "us_example": {"max_hours_per_week": 40},
}


def test_the_sets_are_those_that_the_page_names():
    page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")

    assert list(shipped_rulesets()) == ["eu", "uk", "us_example"]
    assert all(f"`{name}`" in page for name in shipped_rulesets())


@pytest.mark.parametrize("name", LAW)
def test_a_set_says_where_it_comes_from_and_why_each_figure_is_there(name: str):
    ruleset = shipped_rulesets()[name]

    assert ruleset.title
    assert ruleset.source
    assert ruleset.not_checked
    assert all(figure.why.endswith(".") for figure in ruleset.figures)
    assert {f.field: f.value for f in ruleset.figures}.items() >= LAW[name].items()


def test_the_american_set_says_that_it_is_no_legal_advice():
    assert "no legal advice" in shipped_rulesets()["us_example"].title


@pytest.mark.parametrize("field", [f for f, span in FIGURES.items() if span.sense != "wish"])
def test_every_figure_of_law_is_read_by_a_rule(field: str):
    assert rules_reading(field)


def test_every_field_that_a_rule_of_contracts_reads_can_be_given_in_a_file():
    other = {"terms", "templates", "max_shifts", "forbidden_sequences"}
    read = {field for rule in RULES.values() if rule.scope == "contract" for field in rule.fields}

    assert read - other == {f for f, span in FIGURES.items() if span.sense != "wish"}


def test_laxer_is_more_of_a_most_less_of_a_least_and_anything_else_of_a_period():
    assert laxer("max_hours_per_week", 40, 48) == ""
    assert laxer("max_hours_per_week", 50, 48) == "write 48 or less"
    assert laxer("min_rest_h", 12, 11) == ""
    assert laxer("min_rest_h", 10.5, 11) == "write 11 or more"
    assert laxer("period_weeks", 2, 4) == "write 4"


def test_a_set_of_a_file_with_faults_is_refused_with_all_of_them(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text('tittle = "x"\n[rules.min_rest_h]\nvalue = 99\n', encoding="utf-8")

    with pytest.raises(FileFaults) as caught:
        read_ruleset(path)
    assert [fault.line for fault in caught.value.faults] == [1, 3]
