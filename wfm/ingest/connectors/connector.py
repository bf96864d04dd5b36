"""The seam of a source: bytes as they were delivered, in; contacts, out.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol

from wfm.cases import Contact


class Connector(Protocol):
    """Reads what one kind of source delivers. It verifies nothing and writes nothing."""

    kind: ClassVar[str]

    def read(self, body: bytes, *, source: str) -> Iterable[tuple[Contact, str]]:
        """The delivery's contacts, each with the part of the body it was read from.

        DataError, naming place, value and way out, for a body that cannot be read: the delivery
        goes into quarantine.
        """
        ...
