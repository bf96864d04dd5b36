"""Finding listed words in what people write: whole words, case and accents aside, any script.

On the live queue's path: standard library only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

# Accents of Latin, Greek and Cyrillic, vowel points of Hebrew and Arabic and the Arabic stretcher:
# often left out. The vowel signs of Indian scripts look alike to a computer, but are letters.
_ACCENTS = (
    r"\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670"
)
# What is not seen: soft hyphens, joiners, marks of direction, variants of emoji.
_UNSEEN = r"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
_ASIDE = re.compile(f"[{_ACCENTS}{_UNSEEN}]+")

# A letter, digit or underscore, or a vowel sign of an Indian script, which `\w` leaves out.
_LETTER = r"\w\u0900-\u0963\u0966-\u0df3"
_TOKEN = re.compile(f"[{_LETTER}]+")
_NO_LETTERS = {code: " " for code in range(128) if not _TOKEN.match(chr(code))}

# Scripts that put no blanks between words: Thai to Burmese, Khmer, kana, Chinese characters. There
# a word is found wherever it stands.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\U00020000-\U0003ffff]"
)


def fold(text: str) -> str:
    """The text with case, accents and what is not seen left aside; for comparing only.

    >>> fold("RÉSUMÉ")
    'resume'
    """
    if text.isascii():
        return text.lower()
    return _ASIDE.sub("", unicodedata.normalize("NFKD", text).casefold())


class Folded(NamedTuple):
    """A text made ready to be searched, and its single words."""

    text: str
    tokens: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Folded:
        folded = fold(text)
        # The same words either way; without a pattern it takes a third of the time.
        plain = folded.isascii()
        words = folded.translate(_NO_LETTERS).split() if plain else _TOKEN.findall(folded)
        return cls(folded, frozenset(words))


class WordList:
    """Words and phrases, as people write them, to be found in texts.

    A word counts where it stands alone: `rat` is not found in `rather`. Blanks in a phrase stand
    for any number of blanks.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._singles: dict[str, str] = {}
        self._others: list[tuple[str, re.Pattern[str], str]] = []
        for word in words:
            parts = fold(word).split()
            if not parts:
                continue
            if len(parts) == 1 and _TOKEN.fullmatch(parts[0]) and not _UNSPACED.search(parts[0]):
                self._singles.setdefault(parts[0], word)
            else:
                # Looked for as it stands first, which is fast, and seldom found.
                self._others.append((parts[0], _pattern(parts), word))
        self._names = frozenset(self._singles)

    def find(self, folded: Folded) -> str | None:
        """A listed word that the text holds, as it was listed; None when it holds none."""
        if not self._names.isdisjoint(folded.tokens):
            return self._singles[min(self._names & folded.tokens)]
        for first, pattern, word in self._others:
            if first in folded.text and pattern.search(folded.text):
                return word
        return None


def _pattern(parts: Sequence[str]) -> re.Pattern[str]:
    text = r"\s+".join(re.escape(part) for part in parts)
    first, last = parts[0][0], parts[-1][-1]
    before = f"(?<![{_LETTER}])" if _stands_apart(first) else ""
    after = f"(?![{_LETTER}])" if _stands_apart(last) else ""
    return re.compile(before + text + after)


def _stands_apart(edge: str) -> bool:
    """Whether a word with this letter at its edge is set off from its neighbours."""
    return _TOKEN.fullmatch(edge) is not None and _UNSPACED.fullmatch(edge) is None
