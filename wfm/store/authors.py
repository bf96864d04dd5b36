"""Who writes to us, by the platform's own id, which outlives every rename.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from wfm.care import AUTHOR_KINDS, AuthorFacts, AuthorKind
from wfm.cases import Contact
from wfm.errors import NotFound, RequestError
from wfm.store import tables
from wfm.store.bulk import IN_LIST, among, batches, insert_new
from wfm.store.engine import Writing

authors = tables.authors
author_handles = tables.author_handles

# A platform and its id of the author.
Key = tuple[str, str]
Kept = tuple[int, AuthorFacts]

HANDLE_MAX = 200

# Followers come and go with every message; what matters is whether there are far more or fewer.
REACH_MOVES = 0.1


class _Row(NamedTuple):
    author_id: int
    platform: str
    native_id: str
    handle: str
    reach: int | None
    verified: bool
    kind: AuthorKind
    erased_at: datetime | None

    @property
    def facts(self) -> AuthorFacts:
        return AuthorFacts(self.kind, self.reach, self.verified)


_ROW = tuple(authors.c[name] for name in _Row._fields)


def known_authors(connection: sa.Connection, keys: Collection[Key]) -> dict[Key, Kept]:
    """Id and facts of the authors who have written before, by platform and native id."""
    return {key: (row.author_id, row.facts) for key, row in _rows(connection, keys).items()}


def keep_authors(writing: Writing, contacts: Sequence[tuple[Contact, str]]) -> dict[Key, Kept]:
    """Id and facts of every contact's author, by platform and native id; unknown ones are kept.

    Where an author bears another name now, or another reach, that is noted; every name ever borne
    stays. Of several contacts of one author, the one published last says it. Contacts from before
    an author's data was erased say nothing of them any more.

    contacts  each with its platform

    Authors are written in the order of their keys, so that two batches never wait for each other.
    """
    newest: dict[Key, Contact] = {}
    for contact, platform in contacts:
        key = (platform, contact.author)
        held = newest.get(key)
        if held is None or contact.published_at >= held.published_at:
            newest[key] = contact
    rows = _rows(writing.connection, newest)
    told = {
        key: contact
        for key, contact in newest.items()
        if (row := rows.get(key)) is not None and _tells(row, contact)
    }
    if len(rows) < len(newest):
        new = {key: newest[key] for key in sorted(newest.keys() - rows.keys())}
        rows |= _insert(writing, new)
        # Others were inserting the same authors, and have committed: theirs are there now.
        rows |= _rows(writing.connection, newest.keys() - rows.keys())
    for key in sorted(told):
        rows[key] = _note(writing, rows[key], told[key])
    return {key: (row.author_id, row.facts) for key, row in rows.items()}


def _rows(connection: sa.Connection, keys: Iterable[Key]) -> dict[Key, _Row]:
    of_platform: dict[str, list[str]] = {}
    for platform, native_id in keys:
        of_platform.setdefault(platform, []).append(native_id)
    found: dict[Key, _Row] = {}
    for platform, natives in of_platform.items():
        for batch in batches(natives, IN_LIST):
            for values in connection.execute(
                sa.select(*_ROW).where(
                    authors.c.platform == platform, among(connection, authors.c.native_id, batch)
                )
            ):
                row = _Row(*values)
                found[row.platform, row.native_id] = row
    return found


def _insert(writing: Writing, new: dict[Key, Contact]) -> dict[Key, _Row]:
    """Keep authors seen for the first time; those that others have kept meanwhile are left out."""
    values = [
        {
            "platform": platform,
            "native_id": native_id,
            "handle": _name(contact),
            "reach": contact.reach,
            "verified": contact.verified,
            "kind": "",
            "first_seen_at": writing.at,
            **writing.stamp,
        }
        for (platform, native_id), contact in new.items()
    ]
    rows = [_Row(*row) for row in insert_new(writing.connection, authors, values, *_ROW)]
    _bear(writing, [(row.author_id, row.handle) for row in rows])
    return {(row.platform, row.native_id): row for row in rows}


def _name(contact: Contact) -> str:
    """The name as it can be kept; it is only shown, so one that is too long loses its end."""
    return contact.handle.replace("\0", "")[:HANDLE_MAX]


def _tells(row: _Row, contact: Contact) -> bool:
    """Whether the contact says something new of its author."""
    if row.erased_at is not None and contact.published_at <= row.erased_at:
        return False
    return bool(_told(row, contact))


def _told(row: _Row, contact: Contact) -> dict[str, Any]:
    """What the contact says of its author that differs from what is kept."""
    told: dict[str, Any] = {}
    name = _name(contact)
    if name and name != row.handle:
        told["handle"] = name
    # A source that gives the reach gives the profile; others leave `verified` out.
    if contact.reach is not None:
        if row.reach is None or abs(contact.reach - row.reach) > REACH_MOVES * row.reach:
            told["reach"] = contact.reach
        if contact.verified != row.verified:
            told["verified"] = contact.verified
    elif contact.verified and not row.verified:
        told["verified"] = True
    return told


def _note(writing: Writing, row: _Row, contact: Contact) -> _Row:
    told = _told(row, contact)
    writing.connection.execute(
        authors.update()
        .where(authors.c.author_id == row.author_id)
        .values({**told, **writing.stamp})
    )
    if "handle" in told:
        _bear(writing, [(row.author_id, told["handle"])])
    return row._replace(**told)


def _bear(writing: Writing, names: Iterable[tuple[int, str]]) -> None:
    """Note that these authors bear these names."""
    values = [
        {"author_id": author_id, "handle": name, "first_seen_at": writing.at}
        for author_id, name in names
        if name
    ]
    insert_new(writing.connection, author_handles, values, author_handles.c.author_id)


# -- one author ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Author:
    """A person's account at a platform.

    handle       the name it bears now; `handles_of` gives those it bore before
    kind         what people have set: its cases are handled accordingly
    customer_id  the customer it is known to be of
    deleted_at   when the platform said that the account is gone
    erased_at    when what it wrote, and its names, were erased here
    """

    author_id: int
    platform: str
    native_id: str
    handle: str
    reach: int | None
    verified: bool
    kind: AuthorKind
    customer_id: int | None
    first_seen_at: datetime
    deleted_at: datetime | None
    erased_at: datetime | None


AUTHOR = tuple(authors.c[field.name] for field in fields(Author))


def find_author(connection: sa.Connection, author_id: int) -> Author:
    """The author; NotFound when there is none."""
    return _found(connection, author_id, lock=False)


def lock_author(writing: Writing, author_id: int) -> Author:
    """The author, locked until the transaction ends; NotFound when there is none."""
    return _found(writing.connection, author_id, lock=True)


def _found(connection: sa.Connection, author_id: int, *, lock: bool) -> Author:
    query = sa.select(*AUTHOR).where(authors.c.author_id == author_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"there is no author {author_id}", author_id=author_id)
    return Author(*row)


def find_authors(
    connection: sa.Connection, *, handle: str = "", after: int = 0, limit: int = 50
) -> tuple[Author, ...]:
    """Authors by id, from the one after `after` on; of `handle`, if given: who bears or bore it."""
    query = sa.select(*AUTHOR).where(authors.c.author_id > after)
    if handle:
        bore = sa.select(author_handles.c.author_id).where(author_handles.c.handle == handle)
        query = query.where(authors.c.author_id.in_(bore))
    rows = connection.execute(query.order_by(authors.c.author_id).limit(limit))
    return tuple(Author(*row) for row in rows)


def handles_of(connection: sa.Connection, author_id: int) -> tuple[str, ...]:
    """Every name the author has borne, in the order in which we first saw them."""
    h = author_handles.c
    query = sa.select(h.handle).where(h.author_id == author_id)
    return tuple(connection.scalars(query.order_by(h.first_seen_at, h.handle)))


def set_kind(writing: Writing, author_id: int, kind: str) -> Author:
    """Say what the author is, audited; their next messages are handled accordingly.

    RequestError for a kind there is not, NotFound for an author there is not.
    """
    if kind not in AUTHOR_KINDS:
        known = ", ".join(repr(one) for one in AUTHOR_KINDS)
        raise RequestError(f"{kind!r} is no kind of author; use one of {known}", kind=kind)
    held = lock_author(writing, author_id)
    if held.kind == kind:
        return held
    writing.connection.execute(
        authors.update().where(authors.c.author_id == author_id).values(kind=kind, **writing.stamp)
    )
    writing.audit("author.kind", str(author_id), before={"kind": held.kind}, after={"kind": kind})
    return replace(held, kind=kind)


def note_deleted(writing: Writing, author_ids: Collection[int]) -> None:
    """Note that these accounts are gone at their platforms, as it was first told."""
    writing.connection.execute(
        authors.update()
        .where(authors.c.author_id.in_(sorted(author_ids)), authors.c.deleted_at.is_(None))
        .values(deleted_at=writing.at, **writing.stamp)
    )
