"""`wfm queue author|customer`: who writes to us, and being forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.queueapp import app
from api.cli.shell import JsonOption, actor, emit_json, opened, out, settings, show_table
from wfm.errors import NotFound, RequestError
from wfm.timegrid import format_instant

if TYPE_CHECKING:
    from wfm.customers.erasure import Erased
    from wfm.customers.identity import Kept
    from wfm.store.authors import Author
    from wfm.store.customers import Customer

SHOWN = 200

author_app = typer.Typer(help="Authors: accounts at the platforms.", no_args_is_help=True)
customer_app = typer.Typer(help="Customers: the people behind authors.", no_args_is_help=True)
app.add_typer(author_app, name="author")
app.add_typer(customer_app, name="customer")

AuthorId = Annotated[int, typer.Argument(help="The author's id, see `wfm queue author list`.")]
CustomerId = Annotated[int, typer.Argument(help="The customer's id.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it: what is erased cannot be brought back.")]


# -- authors -------------------------------------------------------------------------------------


@author_app.command("list")
def list_authors(
    handle: Annotated[str, typer.Option("--handle", help="Who bears or bore this name.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List authors, the first 200; narrow it down by a name."""
    from wfm.store.authors import find_authors

    with opened() as store, store.reading() as connection:
        found = find_authors(connection, handle=handle, limit=SHOWN)
    if as_json:
        emit_json([asdict(author) for author in found])
        return
    _show_authors(found)


def _show_authors(found: Sequence[Author]) -> None:
    if not found:
        out.print("no such author", markup=False)
        return
    table = Table("author", "platform", "id there", "name", "reach", "kind", "customer", box=None)
    for author in found:
        table.add_row(
            str(author.author_id),
            author.platform,
            author.native_id,
            author.handle or ("(erased)" if author.erased_at else ""),
            "" if author.reach is None else str(author.reach),
            author.kind,
            "" if author.customer_id is None else str(author.customer_id),
        )
    show_table(table)


@author_app.command("show")
def show_author(author_id: AuthorId, as_json: JsonOption = False) -> None:
    """One author with every name it has borne."""
    from wfm.store.authors import find_author, handles_of

    with opened() as store, store.reading() as connection:
        author = find_author(connection, author_id)
        handles = handles_of(connection, author_id)
    if as_json:
        emit_json({**asdict(author), "handles": list(handles)})
        return
    _show_authors([author])
    out.print(f"names: {', '.join(handles) or 'none'}", markup=False)
    out.print(f"first seen {format_instant(author.first_seen_at)}", markup=False)


@author_app.command("kind")
def set_kind(
    author_id: AuthorId,
    kind: Annotated[str, typer.Argument(help='influencer, regulator, press, own, blocked or "".')],
    as_json: JsonOption = False,
) -> None:
    """Say what an author is; their next messages are handled accordingly."""
    from wfm.store import authors

    with opened() as store, store.writing(actor()) as writing:
        author = authors.set_kind(writing, author_id, kind)
    if as_json:
        emit_json(asdict(author))
        return
    out.print(f"author {author_id} is {author.kind or 'nobody in particular'}", markup=False)


@author_app.command("ask-crm")
def ask_crm(author_id: AuthorId, as_json: JsonOption = False) -> None:
    """Ask the CRM who an author is, and keep what it says."""
    from wfm.customers.crm import crm_of, look_up

    known = crm_of(settings())
    if known is None:
        raise RequestError("there is no CRM to ask; set WFM_CRM to its address or file")
    with opened() as store:
        kept = look_up(store, known, author_id, actor=actor())
    if kept is None:
        raise NotFound(f"the CRM does not know author {author_id}, or not for sure")
    _tell_kept(kept, as_json=as_json)


@author_app.command("erase")
def erase_author(author_id: AuthorId, yes: Yes = False, as_json: JsonOption = False) -> None:
    """Overwrite all that an author wrote, was told and is called; cases and metrics stay."""
    from wfm.customers.erasure import erase_author as erase

    _check_yes(yes)
    with opened() as store:
        erased = erase(store, author_id, actor=actor())
    tell_erased(erased, as_json=as_json)


def _check_yes(yes: bool) -> None:
    if not yes:
        raise RequestError("what is erased cannot be brought back; add --yes to do it")


def tell_erased(erased: Erased, *, as_json: bool) -> None:
    """Print how much was overwritten."""
    counts = asdict(erased)
    if as_json:
        emit_json(counts)
        return
    told = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
    out.print(f"erased: {told or 'nothing was left to erase'}", markup=False)


# -- customers -----------------------------------------------------------------------------------


@customer_app.command("list")
def list_customers(
    email: Annotated[str, typer.Option("--email")] = "",
    phone: Annotated[str, typer.Option("--phone")] = "",
    crm_id: Annotated[str, typer.Option("--crm-id", help="Their id in the CRM.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List customers, the first 200; narrow it down by an address, a number or a CRM id."""
    from wfm.customers.identity import plain_email, plain_phone
    from wfm.store.customers import find_customers

    wanted = {
        "email": email and plain_email(email),
        "phone": phone and plain_phone(phone),
        "crm_id": crm_id,
    }
    given = {name: value for name, value in wanted.items() if value}
    with opened() as store, store.reading() as connection:
        found = find_customers(connection, given, limit=SHOWN)
    if as_json:
        emit_json([asdict(one) for one in found])
        return
    _show_customers(found)


@customer_app.command("show")
def show_customer(customer_id: CustomerId, as_json: JsonOption = False) -> None:
    """One customer: the record, their authors, and their latest cases over all of them."""
    from wfm.customers.identity import profile_of
    from wfm.store.customers import cases_of

    with opened() as store:
        found = profile_of(store, customer_id)
        with store.reading() as connection:
            cases = cases_of(connection, customer_id, limit=20)
    if as_json:
        emit_json(
            {
                **asdict(found.customer),
                "merged": [asdict(one) for one in found.merged],
                "authors": [
                    {**asdict(author), "handles": list(handles)}
                    for author, handles in zip(found.authors, found.handles, strict=True)
                ],
                "cases": [asdict(case) for case in cases],
            }
        )
        return
    _show_customers([found.customer, *found.merged])
    _show_authors(found.authors)
    table = Table("case", "queue", "state", "opened", "contacts", box=None)
    for case in cases:
        opened_at = format_instant(case.opened_at)
        table.add_row(str(case.case_id), case.queue, case.state, opened_at, str(case.contacts))
    show_table(table)


def _show_customers(found: Sequence[Customer]) -> None:
    table = Table("customer", "name", "e-mail", "phone", "CRM", "merged into", box=None)
    for one in found:
        into = "" if one.merged_into is None else str(one.merged_into)
        table.add_row(
            str(one.customer_id), one.name, one.email or "", one.phone or "", one.crm_id or "", into
        )
    show_table(table)


Name = Annotated[str | None, typer.Option("--name")]
Email = Annotated[str | None, typer.Option("--email")]
Phone = Annotated[str | None, typer.Option("--phone")]
CrmId = Annotated[str | None, typer.Option("--crm-id", help="Their id in the CRM.")]
OfAuthors = Annotated[
    list[int] | None, typer.Option("--author", help="An author that is this customer; repeatable.")
]


@customer_app.command("add")
def add_customer(
    name: Name = None,
    email: Email = None,
    phone: Phone = None,
    crm_id: CrmId = None,
    author: OfAuthors = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a new record; records like it are proposed to be merged, and no more."""
    from wfm.customers import identity

    with opened() as store:
        kept = identity.add_customer(
            store,
            actor=actor(),
            name=name or "",
            email=email or "",
            phone=phone or "",
            crm_id=crm_id or "",
            author_ids=author or (),
        )
    _tell_kept(kept, as_json=as_json)


@customer_app.command("change")
def change_customer(
    customer_id: CustomerId,
    name: Name = None,
    email: Email = None,
    phone: Phone = None,
    crm_id: CrmId = None,
    as_json: JsonOption = False,
) -> None:
    """Set fields of a record; --email "" takes the address away."""
    from wfm.customers import identity

    given = {"name": name, "email": email, "phone": phone, "crm_id": crm_id}
    changes = {field: value for field, value in given.items() if value is not None}
    with opened() as store:
        kept = identity.change_customer(store, customer_id, changes, actor=actor())
    _tell_kept(kept, as_json=as_json)


def _tell_kept(kept: Kept, *, as_json: bool) -> None:
    if as_json:
        emit_json(asdict(kept))
        return
    _show_customers([kept.customer])
    for merge in kept.proposed:
        out.print(
            f"perhaps one person: {merge.kept_id} and {merge.merged_id}, {merge.evidence}; "
            f"`wfm queue same-person confirm {merge.merge_id}` or `reject {merge.merge_id}`",
            markup=False,
        )


@customer_app.command("link")
def link(customer_id: CustomerId, author_id: AuthorId) -> None:
    """Make an author known to be the customer's."""
    from wfm.customers import identity

    with opened() as store:
        identity.link(store, author_id, customer_id, actor=actor())
    out.print(f"author {author_id} is customer {customer_id}", markup=False)


@customer_app.command("unlink")
def unlink(author_id: AuthorId) -> None:
    """Take an author from its customer."""
    from wfm.customers import identity

    with opened() as store:
        identity.unlink(store, author_id, actor=actor())
    out.print(f"author {author_id} is nobody's", markup=False)


@customer_app.command("erase")
def erase_customer(customer_id: CustomerId, yes: Yes = False, as_json: JsonOption = False) -> None:
    """Overwrite the data of all a customer's authors, and the record."""
    from wfm.customers.erasure import erase_customer as erase

    _check_yes(yes)
    with opened() as store:
        erased = erase(store, customer_id, actor=actor())
    tell_erased(erased, as_json=as_json)
