"""Signatures of what sources deliver to us and we to them: HMAC-SHA256 over the bytes as sent.

Standard library only.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from wfm.errors import SignatureRefused, SignatureStale

SCHEME = "v1"

# How far a sender's clock may be from ours, and so for how long a captured request could be sent
# again if nothing else stopped it.
SKEW_S = 300


def sign(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """The signature of a delivery: `v1=` and the HMAC in hex, over `key.timestamp.body`.

    key        the delivery's own id
    timestamp  seconds since 1970, UTC, at which it is sent
    """
    signed = b".".join((key.encode(), str(timestamp).encode(), body))
    return f"{SCHEME}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def check(
    secret: str, key: str, timestamp: str, body: bytes, signature: str, *, now: datetime
) -> None:
    """SignatureRefused unless one who knows the secret signed these very bytes just now.

    SignatureStale where it was not just now.

    timestamp  as its header says it
    signature  one signature, or several with commas between while a secret is being changed

    All signatures are compared, in constant time, before anything is told: who does not know the
    secret learns nothing but that.
    """
    if "." in key:
        # `id.timestamp.body` could then be cut in two ways.
        raise SignatureRefused(f"Wfm-Id is {key[:60]!r}; it holds no dot")
    seconds = int(timestamp) if timestamp.isascii() and timestamp.isdigit() else None
    if seconds is None or len(timestamp) > len(str(2**53)):
        raise SignatureRefused(
            f"Wfm-Timestamp is {timestamp[:40]!r}; it is the time in whole seconds since 1970"
        )
    expected = sign(secret, key, seconds, body).encode()
    matches = [
        hmac.compare_digest(expected, given.strip().encode()) for given in signature.split(",")
    ]
    if not any(matches):
        raise SignatureRefused(
            "the signature is not that of this source, id, time and body; sign "
            "`id.timestamp.body` with the source's secret, byte for byte as it is sent"
        )
    away_s = abs(now.timestamp() - seconds)
    if away_s > SKEW_S:
        raise SignatureStale(
            f"the request was signed {away_s:.0f} s away from our clock, more than {SKEW_S} s; "
            "sign it anew, and set the sender's clock right",
            timestamp=seconds,
        )
