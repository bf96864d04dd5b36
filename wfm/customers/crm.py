"""The CRM beside us: who a customer is there, and what we have done for them.

Any CRM that can say who an author is and take an activity down can be used: see `Crm`. Activities
go through the outbox, so that each is delivered though the CRM is away, and are known by their key,
so that each stands there once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from wfm.customers.identity import Kept, add_in, change_in, plain_email, plain_phone
from wfm.customers.merging import propose_between
from wfm.errors import RequestError, TryLater
from wfm.store import activities, outbox, queueevents
from wfm.store.activities import Done
from wfm.store.authors import Author, find_author, handles_of
from wfm.store.customers import find_customer, find_customers
from wfm.store.engine import Store, Writing
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from wfm.settings import Settings

TARGET = "crm"
COLLECTED = "crm.collected"

# Longer than any transaction lasts.
SETTLED = timedelta(seconds=60)


@dataclass(frozen=True)
class Identity:
    """By what the CRM may know a person.

    platform, native_id  where the author writes, and the platform's own id of it
    handles              every name it has borne there, the present one last
    """

    platform: str
    native_id: str
    handles: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None
    crm_id: str | None = None


@dataclass(frozen=True)
class CrmCustomer:
    """A customer as the CRM has them; "" for what it does not have."""

    crm_id: str
    name: str = ""
    email: str = ""
    phone: str = ""


class Crm(Protocol):
    """A CRM. What it cannot be reached for is an OSError: it is asked again later."""

    def find(self, identity: Identity) -> CrmCustomer | None:
        """The one customer whom the identity fits; None when none does, or several do."""
        ...

    def record(self, activity: Mapping[str, Any], key: str) -> None:
        """Take the activity down; once, however often it is told under this key.

        activity  kind (answered, closed), at, case_id, queue, platform, account, native_id, handle,
                  crm_id, agent_id, text
        """
        ...


def crm_of(settings: Settings) -> Crm | None:
    """The CRM that the settings name: an http(s) address, or a CSV file of customers; or None."""
    from wfm.customers.crmfile import FileCrm
    from wfm.customers.crmhttp import HttpCrm

    if settings.crm is None:
        return None
    if settings.crm.startswith(("http://", "https://")):
        secret = settings.crm_secret
        return HttpCrm(settings.crm, secret.get_secret_value() if secret is not None else "")
    path = Path(settings.crm)
    return FileCrm(path, path.with_suffix(".activities.jsonl"))


# -- who it is -----------------------------------------------------------------------------------


def look_up(store: Store, crm: Crm, author_id: int, *, actor: str) -> Kept | None:
    """Ask the CRM who the author is and keep what it says; None when it does not know.

    An author without a record gets one, with the CRM's id. Where that id is another record's, the
    two are proposed to be merged, and stay two until somebody confirms it. TryLater when the CRM
    cannot be reached.
    """
    with store.reading() as connection:
        author = find_author(connection, author_id)
        identity = _identity(connection, author)
    try:
        found = crm.find(identity)
    except OSError as error:
        raise TryLater(f"the CRM cannot be asked now: {error}; try again in a moment") from error
    if found is None:
        return None
    with store.writing(actor) as writing:
        return _keep(writing, find_author(writing.connection, author_id), found)


def _identity(connection: Connection, author: Author) -> Identity:
    names = [name for name in handles_of(connection, author.author_id) if name != author.handle]
    identity = Identity(author.platform, author.native_id, (*names, *filter(None, [author.handle])))
    if author.customer_id is None:
        return identity
    held = find_customer(connection, author.customer_id)
    return replace(identity, email=held.email, phone=held.phone, crm_id=held.crm_id)


def _keep(writing: Writing, author: Author, found: CrmCustomer) -> Kept:
    values = {
        "name": found.name.strip(),
        "email": _plain(plain_email, found.email),
        "phone": _plain(plain_phone, found.phone),
        "crm_id": found.crm_id,
    }
    if author.customer_id is not None:
        held = find_customer(writing.connection, author.customer_id)
        # What people have written down here counts for more than what the CRM says.
        missing = {name: v for name, v in values.items() if v and not getattr(held, name)}
        return change_in(writing, held.customer_id, missing)
    holders = find_customers(writing.connection, {"crm_id": found.crm_id})
    if not holders:
        return add_in(writing, values, [author.author_id])
    own = add_in(writing, {"name": author.handle}, [author.author_id])
    evidence = f"the CRM knows the account on {author.platform} as this customer's"
    merge = propose_between(writing, own.customer.customer_id, holders[0].customer_id, evidence)
    return Kept(own.customer, (*own.proposed, merge))


def _plain(plain: Callable[[str], str], text: str) -> str | None:
    """The CRM's address or number; nothing where it keeps something else in that field."""
    try:
        return plain(text) if text.strip() else None
    except RequestError:
        return None


# -- what was done -------------------------------------------------------------------------------


def collect(store: Store, *, now: datetime | None = None, limit: int = 1000) -> int:
    """Put the answers and ends of cases since the last time into the outbox; how many there were.

    The first time it only notes where it begins. An event is taken once it is a minute old, and
    then once: what runs twice, or stops half-way, writes the same keys again. Call again while it
    gives `limit`.
    """
    with store.reading() as connection:
        begun = queueevents.latest(connection, COLLECTED)
        newest = activities.newest_event(connection)
    if begun is not None and begun.body["until"] >= newest:
        return 0
    with store.writing("service:crm") as plain:
        writing = plain.on(now)
        if begun is None:
            queueevents.add(writing, COLLECTED, body={"until": newest})
            return 0
        after = int(begun.body["until"])
        until = activities.settled_until(writing.connection, after, writing.at - SETTLED)
        done = activities.done_between(writing.connection, after, until, limit)
        if len(done) == limit:
            until = done[-1].id
        outbox.put_many(
            writing,
            [("activity", TARGET, f"activity:{one.id}", _told(one), one.case_id) for one in done],
        )
        if until > after:
            queueevents.add(writing, COLLECTED, body={"until": until})
        return len(done)


def _told(done: Done) -> dict[str, Any]:
    return {
        "kind": done.kind,
        "at": format_instant(done.at),
        "case_id": done.case_id,
        "queue": done.queue,
        "platform": done.platform,
        "account": done.account,
        "native_id": done.native_id,
        "handle": done.handle,
        "crm_id": done.crm_id,
        "agent_id": done.agent_id,
        "text": done.text or "",
    }
