"""Whether Python finds our four packages, and not others of the same names.

The names are generic: in an environment that the program shares, another distribution's `wfm` may
stand before ours. Then nothing works, and no error that follows says why; so this is asked first,
with the standard library alone.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

NAMES = ("api", "forecasting", "scheduling", "wfm")


def stranger_among(names: tuple[str, ...] = NAMES) -> str | None:
    """What is wrong, in a sentence, when one of the packages is not beside this one; else None."""
    home = Path(__file__).resolve().parents[2]
    for name in names:
        spec = find_spec(name)
        found = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if found != home / name:
            place = f"Python finds another at {found}" if found else "Python finds none"
            return (
                f"the package {name!r} of this program lies in {home}, but {place}; "
                "install wfm-social into an environment of its own"
            )
    return None


def refuse_strangers() -> None:
    """End the program with the sentence and exit code 2 when a package is not ours."""
    told = stranger_among()
    if told is not None:
        sys.stderr.write(f"wfm: {told}\n")
        sys.exit(2)
