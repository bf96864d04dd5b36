"""Texts that people give with what they do: a reason, a result, a title."""

from __future__ import annotations

from wfm.errors import RequestError

REASON_MAX = 200


def check_text(what: str, text: str, most: int = REASON_MAX) -> None:
    """RequestError unless the text is more than blanks, not too long, and can be stored."""
    if not text.strip() or len(text) > most or "\0" in text:
        raise RequestError(
            f"a {what} has 1 to {most} characters, more than blanks and no NUL; "
            f"this one has {len(text)}"
        )
