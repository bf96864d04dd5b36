from __future__ import annotations

import doctest

import pytest

from api.console import words


def test_the_examples_hold():
    assert doctest.testmod(words).failed == 0


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (words.percent(float("nan")), "–"),
        (words.number(12345.6), "12\u202f346"),
        (words.number(None), "–"),
        (words.band(None, 0.5), "–"),
        (words.activity("on_queue"), "on queue"),
        (words.activity("team_talk"), "team talk"),
        (
            words.promise("first_response", 3600, 0.9, "day", after_opening=True),
            "First response within 1 h after opening for 90 %, in every day",
        ),
    ],
)
def test_figures_and_promises_in_words(said, wanted):
    assert said == wanted
