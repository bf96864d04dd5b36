"""The generic webhook: messages as JSON, as `docs/formats.md` describes them.

On the live queue's path: standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, NoReturn, cast

from wfm.cases import Contact, ContactKind
from wfm.errors import DataError, RequestError
from wfm.timegrid import parse_instant

KINDS: tuple[ContactKind, ...] = ("message", "edit", "deletion", "author_deleted")

# More in one delivery are refused; senders split them.
MESSAGES_MAX = 1000
FAULTS_TOLD = 20

# What is deleted has been published at some time; nothing depends on when.
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)

# A value that is not there is no fault yet; one that must be there is asked for by name.
_MISSING = object()


class Webhook:
    """Reads the bodies of webhooks: one message, or `{"messages": [...]}`.

    Fields it does not know are ignored, so that a sender may add some.
    """

    kind: ClassVar[str] = "webhook"

    def read(self, body: bytes, *, source: str) -> Iterable[tuple[Contact, str]]:
        """The messages of a body; DataError with all faults at once when one cannot be read."""
        text = _text_of(body)
        document = _document_of(text)
        if isinstance(document, dict) and "messages" in document:
            messages = document["messages"]
            if not isinstance(messages, list) or not 0 < len(messages) <= MESSAGES_MAX:
                raise DataError(f"`messages` must be a list of 1 to {MESSAGES_MAX} messages")
            places = [f"messages[{number}]" for number in range(len(messages))]
        else:
            messages, places = [document], ["message"]
        faults: list[str] = []
        read: list[tuple[Contact, str]] = []
        for place, message in zip(places, messages, strict=True):
            contact = _Reader(message, place, faults).contact(source)
            if contact is not None:
                alone = text if len(messages) == 1 else json.dumps(message, ensure_ascii=False)
                read.append((contact, alone))
        if faults:
            told = "; ".join(faults[:FAULTS_TOLD])
            more = len(faults) - FAULTS_TOLD
            raise DataError(told + (f"; and {more} more" if more > 0 else ""), faults=faults)
        return read


def _text_of(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"the body is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}; "
            "send JSON in UTF-8"
        ) from None


def _document_of(text: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DataError(f"the body is not JSON: {where}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"the body is not JSON that can be read: {error}") from None


class _Reader:
    """Reads the fields of one message, and notes what is wrong with them."""

    def __init__(self, message: object, place: str, faults: list[str]) -> None:
        self._place = place
        self._faults = faults
        self._before = len(faults)
        self._fields: Mapping[str, Any] = {}
        if isinstance(message, dict):
            self._fields = message
        else:
            faults.append(f"{place} is {_shown(message)}; it must be an object")

    def contact(self, source: str) -> Contact | None:
        """The message as a contact; None, and its faults noted, where it cannot be one."""
        if len(self._faults) > self._before:
            return None
        kind = self._kind()
        has_text = kind in ("message", "edit")
        author = self._author(required=kind != "deletion")
        fallback = f"author:{author['id']}" if kind == "author_deleted" else None
        contact = Contact(
            source=source,
            account=self._name("account"),
            native_id=self._name("id", fallback),
            queue=self._name("queue", ""),
            author=author["id"],
            text=self._text(required=has_text),
            published_at=self._instant("published_at", required=has_text),
            revision=self._whole("revision", 0) or 0,
            severity=self._whole("severity", 0) or 0,
            kind=kind,
            in_reply_to=self._name("in_reply_to", ""),
            repost_of=self._name("repost_of", ""),
            platform=self._name("platform", ""),
            handle=author["handle"],
            reach=author["followers"],
            verified=author["verified"],
        )
        return None if len(self._faults) > self._before else contact

    def _fault(self, field: str, value: object, remedy: str) -> None:
        what = "is missing" if value is _MISSING else f"is {_shown(value)}"
        self._faults.append(f"{self._place}.{field} {what}; {remedy}")

    def _kind(self) -> ContactKind:
        value = self._fields.get("kind", "message")
        if value not in KINDS:
            self._fault("kind", value, f"it is one of {', '.join(KINDS)}")
            return "message"
        return cast(ContactKind, value)

    def _name(self, field: str, default: str | None = None) -> str:
        """An id or a name: text, or a whole number as some platforms give it."""
        return self._name_of(self._fields.get(field, _MISSING), field, default)

    def _name_of(self, value: object, field: str, default: str | None) -> str:
        if value is None or value is _MISSING:
            if default is None:
                self._fault(field, _MISSING if value is _MISSING else None, "give it")
            return default or ""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            self._fault(field, value, "it is text or a whole number")
            return ""
        return value

    def _author(self, *, required: bool) -> dict[str, Any]:
        value = self._fields.get("author", _MISSING)
        default = None if required else ""
        if not isinstance(value, dict):
            value = {"id": value}
        handle = value.get("handle")
        verified = value.get("verified", False)
        if handle is not None and not isinstance(handle, str):
            self._fault("author.handle", handle, "it is text")
        if not isinstance(verified, bool):
            self._fault("author.verified", verified, "it is true or false")
        return {
            "id": self._name_of(value.get("id", _MISSING), "author.id", default),
            "handle": handle if isinstance(handle, str) else "",
            "followers": self._whole_of(value.get("followers"), "author.followers", None),
            "verified": verified is True,
        }

    def _text(self, *, required: bool) -> str:
        value = self._fields.get("text", _MISSING if required else "")
        if not isinstance(value, str):
            self._fault("text", value, "it is text, and may be empty")
            return ""
        # No database keeps NUL; where a customer's words hold one, they are not the less theirs.
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")

    def _instant(self, field: str, *, required: bool) -> datetime:
        value = self._fields.get(field, _MISSING)
        if value is _MISSING and not required:
            return _SOME_TIME
        try:
            if isinstance(value, str):
                return parse_instant(value)
        except (RequestError, OverflowError):
            pass
        self._fault(field, value, "write an instant with its zone, as 2026-03-02T09:00:00Z")
        return _SOME_TIME

    def _whole(self, field: str, default: int | None) -> int | None:
        return self._whole_of(self._fields.get(field), field, default)

    def _whole_of(self, value: object, field: str, default: int | None) -> int | None:
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            self._fault(field, value, "it is a whole number, 0 or more")
            return default
        return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
