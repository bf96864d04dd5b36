"""A CRM of two files: customers in a CSV file, activities appended to a file of JSON lines."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from wfm.brands import CHANNELS
from wfm.customers.crm import CrmCustomer, Identity
from wfm.customers.identity import plain_email, plain_phone
from wfm.errors import DataError, RequestError

# Between several names in one cell.
NAMES = ";"


class FileCrm:
    """Customers from a CSV file that others write; activities into a file of our own.

    customers   columns crm_id, name, email, phone, and one a channel (x, facebook ...) with the
                customer's ids or names there, joined by ";"; read anew when the file changes
    activities  one JSON object a line, {"key": ..., "activity": ...}

    Every line is on disk when `record` returns. A key that the file holds is not written again,
    whichever process wrote it.
    """

    def __init__(self, customers: Path, activities: Path) -> None:
        self._customers = customers
        self._activities = activities
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self._by_what: dict[tuple[str, str], list[CrmCustomer]] = {}
        self._keys: set[str] = set()
        self._known_to = 0

    def find(self, identity: Identity) -> CrmCustomer | None:
        """The one customer whom the identity fits by the surest sign that fits any."""
        with self._lock:
            self._read_customers()
            for signs in _signs_of(identity):
                fitting = {
                    found.crm_id: found for sign in signs for found in self._by_what.get(sign, ())
                }
                if fitting:
                    return next(iter(fitting.values())) if len(fitting) == 1 else None
        return None

    def record(self, activity: Mapping[str, Any], key: str) -> None:
        """Append the activity, unless the file holds its key; OSError when it cannot be written."""
        line = json.dumps({"key": key, "activity": dict(activity)}, ensure_ascii=False)
        with self._lock, self._activities.open("a+b") as file:
            torn = self._read_keys(file)
            if key in self._keys:
                return
            # What a crash cut off stays on a line of its own.
            file.write(b"\n" * torn + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _read_keys(self, file: BinaryIO) -> bool:
        """Learn the keys of the lines added since; whether the last line has no end."""
        file.seek(self._known_to)
        added = file.read()
        whole = added.rfind(b"\n") + 1
        for line in added[:whole].splitlines():
            try:
                self._keys.add(json.loads(line)["key"])
            except (ValueError, KeyError, TypeError):
                continue  # cut off by a crash: its activity was never acknowledged, and comes again
        self._known_to += whole
        return whole < len(added)

    def _read_customers(self) -> None:
        stat = self._customers.stat()
        if (stat.st_mtime_ns, stat.st_size) == self._read_at:
            return
        by_what: dict[tuple[str, str], list[CrmCustomer]] = {}
        for row in _rows(self._customers):
            customer = CrmCustomer(*(row[name] for name in ("crm_id", "name", "email", "phone")))
            for sign in _signs_in(row):
                by_what.setdefault(sign, []).append(customer)
        self._by_what, self._read_at = by_what, (stat.st_mtime_ns, stat.st_size)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", restkey="")
            names = {name.strip().casefold() for name in reader.fieldnames or ()}
            if "crm_id" not in names:
                raise DataError(f"{path.name}: no column crm_id; it names the CRM's customers")
            for row in reader:
                cells = {
                    name.strip().casefold(): cell.strip()
                    for name, cell in row.items()
                    if isinstance(cell, str)
                }
                if not cells["crm_id"]:
                    raise DataError(f"{path.name}: line {reader.line_num}: the crm_id is empty")
                yield {**dict.fromkeys(("name", "email", "phone"), ""), **cells}
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} is no CSV file in UTF-8: {error}") from error


def _signs_in(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "crm_id", row["crm_id"]
    for channel in CHANNELS:
        for name in filter(None, map(_name, row.get(channel, "").split(NAMES))):
            yield channel, name
    if email := _plain(plain_email, row["email"]):
        yield "email", email
    if phone := _plain(plain_phone, row["phone"]):
        yield "phone", phone


def _signs_of(identity: Identity) -> Iterator[list[tuple[str, str]]]:
    """The signs of a person, the surest first; those of one group are equally sure."""
    yield [("crm_id", identity.crm_id or "")]
    yield [(identity.platform, _name(identity.native_id))]
    # The present name only: one that was given up may be somebody else's by now.
    yield [(identity.platform, _name(name)) for name in identity.handles[-1:]]
    yield [("email", identity.email or "")]
    yield [("phone", identity.phone or "")]


def _name(text: str) -> str:
    return text.strip().casefold().lstrip("@")


def _plain(plain: Callable[[str], str], text: str) -> str:
    """The address or number for comparing; "" where the cell holds something else."""
    try:
        return plain(text) if text else ""
    except RequestError:
        return ""
