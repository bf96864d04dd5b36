"""What `wfm rules` prints: the rules, the rule sets, and who is under them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.cli.main import main
from wfm.ingest.brandfile import import_brand
from wfm.rules import RULES
from wfm.settings import Settings
from wfm.store.engine import open_store

Run = Callable[..., tuple[int, str, str]]
BRAND = """
format = 1
[site]
name = "Small"
zone = "UTC"
[[queues]]
name = "x"
channel = "x"
handle = "@small"
language = "en"
window = "24/7"
[[templates]]
name = "early"
minutes = 480
starts = ["06:00"]
[[rulesets]]
name = "house"
extends = "eu"
title = "House agreement"
rules = { min_rest_h = { value = 12, why = "Agreed in spring." } }
[[contracts]]
name = "full"
ruleset = "house"
templates = ["early"]
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wfm rules ...`; gives exit code, standard output and error."""

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wfm", "rules", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def house(tmp_path: Path, ready_home: Path) -> None:
    """A store whose brand has a rule set of its own."""
    path = tmp_path / "brand.toml"
    path.write_text(BRAND, encoding="utf-8")
    store = open_store(Settings().store_url)
    import_brand(store, path, actor="tester")
    store.close()


def test_sets_and_rules_are_listed_without_a_brand(run: Run):
    code, out, _ = run()

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["eu", "uk", "us_example"]
    assert all(f"\n {name} " in out for name in RULES)


def test_a_set_is_shown_with_its_figures_and_their_reasons(run: Run):
    code, out, _ = run("eu")

    assert code == 0
    assert "min_rest_h = 11  (rest)\n  Article 3: 11 hours in a row" in out
    assert "Not checked, for you to see to:" in out


@pytest.mark.usefixtures("house")
def test_the_brands_own_set_is_shown_with_what_it_takes_over_and_who_is_under_it(run: Run):
    code, out, _ = run("house")

    assert code == 0
    assert "Extends eu." in out
    assert "Contracts under it: full." in out
    assert "min_rest_h = 12  (rest)\n  Agreed in spring." in out
    assert "max_hours_per_week = 48" in out


@pytest.mark.usefixtures("house")
def test_all_of_it_is_there_as_json(run: Run):
    listed = json.loads(run("--json")[1])
    shown = json.loads(run("house", "--json")[1])

    assert [rule["name"] for rule in listed["rules"]] == list(RULES)
    assert [one["name"] for one in listed["rulesets"]] == ["eu", "uk", "us_example", "house"]
    assert listed["rulesets"][-1] == shown
    assert shown["contracts"] == ["full"]


def test_an_unknown_set_is_told_with_the_nearest(run: Run):
    code, _, err = run("eux")

    assert code == 2
    assert "no rule set 'eux'; did you mean 'eu'?" in err
