"""What arrives: a contact and its body as intake works with them, and what becomes of them.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from wfm.brands import Brand
from wfm.cases import Contact
from wfm.store.arrivals import Name
from wfm.triage.handles import Accounts, handles_of

# Deletions have no revision of their own at most platforms; a message is deleted once, at the last.
LAST_REVISION = 2**31 - 1

# Why nothing is kept of a message that was taken in before: not even that it was sent once more.
ERASED = "what it said was erased here"

Outcome = Literal["opened", "joined", "repeated", "edited", "deleted", "left_out"]


@dataclass(frozen=True)
class Taken:
    """What became of a contact.

    opened    it is the first of a new case
    joined    it was added to a case of its author
    edited    the message's text became the new one
    deleted   the message, or all of its author's, is marked as gone
    left_out  it is kept raw and opens no case; `reason` says why
    repeated  nothing was changed: it was taken in before, or a later revision was
    """

    event_id: int
    case_id: int | None
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A contact on its way in, and its place among those it came with."""

    index: int
    contact: Contact
    body: str
    received_at: datetime | None
    delivery_id: int | None
    revision: int
    name: Name

    @classmethod
    def of(
        cls,
        index: int,
        contact: Contact,
        body: str,
        received_at: datetime | None,
        delivery_id: int | None,
    ) -> Arrival:
        is_change = contact.kind in ("message", "edit")
        text = as_text(contact.text)
        return cls(
            index,
            contact if text is contact.text else replace(contact, text=text),
            as_text(body).replace("\0", "\\u0000"),
            received_at,
            delivery_id,
            contact.revision if is_change else LAST_REVISION,
            (contact.source, contact.account, contact.native_id),
        )


def as_text(text: str) -> str:
    """The text with the halves of broken surrogate pairs replaced: no database can store them."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class Platforms:
    """The platform whose ids a contact's author has: its own word, its queue's, its handle's."""

    def __init__(self, brand: Brand) -> None:
        self._channels: dict[str, str] = {queue.name: queue.channel for queue in brand.queues}
        self._brand = brand
        self._accounts: Accounts | None = None

    def of(self, contact: Contact) -> str:
        """NotFound for a queue or an account that the brand does not have."""
        if contact.platform:
            return contact.platform
        if contact.queue:
            found = self._channels.get(contact.queue)
            return self._brand.queue(contact.queue).channel if found is None else found
        if self._accounts is None:
            self._accounts = Accounts(handles_of(self._brand))
        return self._accounts.handle(contact.account).channel
