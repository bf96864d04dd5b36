"""What a file says beside what the store holds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Stage of an import that will write nothing, and goes on only to tell all there is to mend.
COMPARING = "comparing with the store"


@dataclass(frozen=True)
class Found(Generic[K, V]):
    """What the files say of one key.

    line  where it begins
    file  number of the file
    rows  how many rows describe it
    """

    key: K
    value: V
    line: int
    file: int = 0
    rows: int = 1


@dataclass
class Comparison(Generic[K, V]):
    """How what was found relates to the store.

    new        what the store does not hold
    same       how many it holds alike
    differing  what it holds otherwise, with the value held
    changes    what is to be written: the new, and the differing if that may be replaced
    """

    new: list[Found[K, V]] = field(default_factory=list)
    same: int = 0
    differing: list[tuple[Found[K, V], V]] = field(default_factory=list)
    changes: list[Found[K, V]] = field(default_factory=list)


def compare(
    found: Iterable[Found[K, V]], held: Mapping[K, V], *, replace: bool
) -> Comparison[K, V]:
    """Compare what was found, each key once, with what the store holds of these keys."""
    comparison = Comparison[K, V]()
    for one in found:
        if one.key not in held:
            comparison.new.append(one)
            comparison.changes.append(one)
        elif held[one.key] == one.value:
            comparison.same += 1
        else:
            comparison.differing.append((one, held[one.key]))
            if replace:
                comparison.changes.append(one)
    return comparison
