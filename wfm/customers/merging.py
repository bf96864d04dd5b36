"""Merging two records that are one person: proposed, decided by people, and undone.

Families share a telephone, teams an address: until somebody confirms that two records are one
person they stay two. What a merge moved, undoing it moves back.

Locks are taken in this order: customers ascending, merge, authors ascending.
"""

from __future__ import annotations

from wfm.errors import Conflict, IllegalMove, RequestError
from wfm.store import customers
from wfm.store.customers import Customer, Merge, MergeState
from wfm.store.engine import Store, Writing

EVIDENCE_MAX = 500
# Between the reasons of one merge.
REASONS = "; "


def propose(store: Store, one: int, other: int, evidence: str, *, actor: str) -> Merge:
    """Propose that two records are one person, for a reason that people read.

    What was rejected or undone is proposed anew only for a reason that was not given before:
    Conflict. RequestError for a record with itself, or without a reason.
    """
    said = evidence.strip()
    if not said or len(said) > EVIDENCE_MAX or "\0" in said:
        raise RequestError(f"say in 1 to {EVIDENCE_MAX} characters why the two are one person")
    if one == other:
        raise RequestError(f"customer {one} cannot be merged with itself")
    with store.writing(actor) as writing:
        for customer in customers.lock_customers(writing, [one, other]).values():
            check_stands(customer)
        merge = propose_between(writing, one, other, said)
        if merge.state != "proposed":
            raise Conflict(
                f"merge {merge.merge_id} of the two was {merge.state} with that reason; "
                "give another one",
                merge_id=merge.merge_id,
                state=merge.state,
            )
        return merge


def propose_between(writing: Writing, one: int, other: int, evidence: str) -> Merge:
    """The merge of two records, the older one kept: new, or with one more reason, or as decided.

    For callers that hold the transaction, and one of the two records locked.
    """
    kept_id, merged_id = sorted((one, other))
    merge = customers.insert_merge(writing, kept_id, merged_id, evidence)
    if merge is not None:
        _audit_proposal(writing, merge)
        return merge
    held = customers.merge_of(writing, kept_id, merged_id)
    if evidence in held.evidence.split(REASONS) or held.state == "confirmed":
        return held
    values = {"state": "proposed", "evidence": REASONS.join((held.evidence, evidence))}
    _audit_proposal(writing, held)
    return customers.update_merge(writing, held.merge_id, values)


def _audit_proposal(writing: Writing, merge: Merge) -> None:
    # Without the reason, which people write and which may name somebody.
    pair = {"kept_id": merge.kept_id, "merged_id": merge.merged_id}
    writing.audit("merge.propose", str(merge.merge_id), after=pair)


def confirm(store: Store, merge_id: int, *, actor: str) -> Merge:
    """The two are one person: the authors of the younger record become the older one's.

    The younger record stays, marked as merged. IllegalMove unless it is proposed; Conflict when
    one of the two was merged elsewhere meanwhile.
    """
    with store.writing(actor) as writing:
        merge, kept, merged = _locked(writing, merge_id, "proposed")
        check_stands(kept)
        check_stands(merged)
        theirs = customers.authors_of(writing.connection, merge.merged_id)
        moved = customers.give_authors(
            writing, [a.author_id for a in theirs], merge.kept_id, held_by=merge.merged_id
        )
        customers.update_customer(writing, merge.merged_id, {"merged_into": merge.kept_id})
        return _decided(writing, merge, "confirmed", moved=list(moved))


def reject(store: Store, merge_id: int, *, actor: str) -> Merge:
    """The two are two people: they are not proposed again for that reason."""
    with store.writing(actor) as writing:
        merge, _, _ = _locked(writing, merge_id, "proposed")
        return _decided(writing, merge, "rejected")


def undo(store: Store, merge_id: int, *, actor: str) -> Merge:
    """The two were two people after all: what the merge moved is moved back, and nothing else.

    IllegalMove unless it was confirmed; Conflict when the kept record was itself merged since.
    """
    with store.writing(actor) as writing:
        merge, kept, _ = _locked(writing, merge_id, "confirmed")
        if kept.merged_into is not None:
            raise Conflict(
                f"customer {kept.customer_id} was merged into {kept.merged_into} since; "
                "undo that merge first",
                customer_id=kept.customer_id,
                merged_into=kept.merged_into,
            )
        customers.update_customer(writing, merge.merged_id, {"merged_into": None})
        # Those that somebody has linked to another customer meanwhile stay there.
        customers.give_authors(writing, merge.moved, merge.merged_id, held_by=merge.kept_id)
        return _decided(writing, merge, "undone", moved=[])


def _locked(writing: Writing, merge_id: int, state: MergeState) -> tuple[Merge, Customer, Customer]:
    """The merge, the record it keeps and the one it merges; IllegalMove in another state."""
    pair = customers.find_merge(writing.connection, merge_id)
    records = customers.lock_customers(writing, [pair.kept_id, pair.merged_id])
    merge = customers.lock_merge(writing, merge_id)
    if merge.state != state:
        raise IllegalMove(
            f"merge {merge_id} is {merge.state}; this takes one that is {state}",
            merge_id=merge_id,
            state=merge.state,
            allowed=[state],
        )
    return merge, records[merge.kept_id], records[merge.merged_id]


def _decided(writing: Writing, merge: Merge, state: MergeState, **values: object) -> Merge:
    writing.audit(
        f"merge.{state}",
        str(merge.merge_id),
        before={"state": merge.state, "moved": list(merge.moved)},
        after={"state": state, **values},
    )
    return customers.update_merge(writing, merge.merge_id, {"state": state, **values})


def check_stands(customer: Customer) -> None:
    """Conflict when the record was merged into another; says into which."""
    if customer.merged_into is not None:
        raise Conflict(
            f"customer {customer.customer_id} was merged into {customer.merged_into}; "
            "use that record, or undo the merge",
            customer_id=customer.customer_id,
            merged_into=customer.merged_into,
        )
