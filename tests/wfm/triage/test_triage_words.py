"""Listed words are found where they stand alone, in any script, case and accents aside."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.triage.words import Folded, WordList, fold


def found(words: str | tuple[str, ...], text: str) -> str | None:
    listed = (words,) if isinstance(words, str) else words
    return WordList(listed).find(Folded.of(text))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("Betrug", "das ist BETRUG!"),
        ("résumé", "my Resume, please"),
        ("resume", "mon RÉSUMÉ"),
        ("Straße", "in der STRASSE"),
        ("απάτη", "ειναι ΑΠΑΤΗ."),
        ("жалоба", "это ЖАЛОБА?"),
        ("احتيال", "هذا اِحتِيال!"),
        ("הונאה", "זו הוֹנָאָה"),
        ("शिकायत", "यह शिकायत है"),
        ("投诉", "我要投诉你们"),
        ("詐欺", "これは詐欺です"),
        ("โกง", "พวกเขาโกงฉัน"),
        ("사기", "이것은 사기 입니다"),
        ("click here", "CLICK \n  here now"),
        ("free money", "Free\tmoney"),
        ("#rip-off", "what a #RIP-OFF"),
        ("$$$", "win $$$now"),
        ("🤬", "you 🤬🤬 people"),
        ("scam", "s\u200bc\u00adam"),
        ("word", "snake_case 'word'"),
        ("ﬁne", "fine"),
    ],
)
def test_a_word_is_found(word: str, text: str):
    assert found(word, text) == word


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("rat", "rather a rate than berate"),
        ("scam", "scampi for dinner"),
        ("scam", "a snake_scam_case"),
        ("click here", "click there; clickhere"),
        ("कर", "करना चाहिए"),
        ("क", "कि"),
        ("free money", "free of money"),
        ("", "anything"),
    ],
)
def test_a_word_within_another_is_not_found(word: str, text: str):
    assert found(word, text) is None


def test_the_word_is_told_as_it_was_listed():
    assert found(("Sue You", "LAWYER"), "my lawyer will call") == "LAWYER"


def test_an_empty_list_finds_nothing():
    assert found((), "anything") is None


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.lists(st.sampled_from(["scam", "rat", "betrug", "жалоба", "no", "good"]), max_size=8),
    st.sampled_from([" ", ", ", "! ", "\n", " – "]),
    st.sampled_from(["scam", "rat", "betrug", "жалоба"]),
)
def test_single_words_are_found_as_a_naive_search_finds_them(
    parts: list[str], between: str, word: str
):
    text = between.join(parts)
    naive = word in [part.strip(" ,!–\n") for part in text.split()]

    assert (found(word, text) is not None) == naive


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.text(max_size=40))
def test_folding_is_done_once_for_all_and_looks_past_composed_letters(text: str):
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


def test_a_post_of_a_megabyte_is_searched_like_any_other():
    assert found("betrug", "ä " * 500_000 + "BETRUG") == "betrug"
