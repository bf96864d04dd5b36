"""Handing a letter to its receiver over HTTP, signed.

On the live queue's path: httpx is imported only when something is sent.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from wfm.ingest.signing import sign
from wfm.store.outbox import Letter
from wfm.store.sources import Source
from wfm.timegrid import SystemClock, format_instant

if TYPE_CHECKING:
    import httpx

# A receiver says yes within this long, and works afterwards.
CONNECT_S = 5.0
ANSWER_S = 10.0

# Of an answer no more is read, and not for longer than `ANSWER_S`: it holds an id.
ANSWER_MAX = 64 * 1024
NATIVE_ID_MAX = 200
RETRY_AFTER_MAX_S = 3600


@dataclass(frozen=True)
class Sent:
    """What became of handing a letter over.

    error          why it was not taken; None: it was
    native_id      the platform's id of what was posted, if the receiver gave it
    reached        whether anybody answered at all
    retry_after_s  how long the receiver wants to be left alone
    tried          False where it was not even tried
    """

    error: str | None = None
    native_id: str | None = None
    reached: bool = True
    retry_after_s: int = 0
    tried: bool = True


def body_of(letter: Letter) -> bytes:
    """The bytes that are sent: the same ones each time the letter is tried."""
    document = {
        "id": letter.key,
        "kind": letter.kind,
        "made_at": format_instant(letter.written_at),
        "case_id": letter.case_id,
        "body": letter.body,
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()


def http_send(source: Source, letter: Letter) -> Sent:
    """POST the letter to the source's callback; whatever but a 2xx leaves it to be tried again.

    It bears the same three signature headers that we ask for of what comes in, by the machine's
    time. Only http and https; redirects are not followed, since they would take a signed letter
    where nobody meant it to go. What is told of a failure holds no secret and no address.
    """
    import httpx

    body = body_of(letter)
    timestamp = int(SystemClock().now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": letter.key,
        "Wfm-Id": letter.key,
        "Wfm-Timestamp": str(timestamp),
        "Wfm-Signature": sign(source.secret, letter.key, timestamp, body),
    }
    try:
        url = httpx.URL(source.callback_url)
        if url.scheme not in ("http", "https") or not url.host:
            return Sent(
                error=f"the callback of {source.source} is no http or https address; "
                "correct it with `wfm source add`",
                reached=False,
            )
        with _client().stream("POST", url, content=body, headers=headers) as response:
            if response.is_success:
                return Sent(native_id=_native_id(response))
            return Sent(
                error=f"{source.source} answered {response.status_code}",
                retry_after_s=_retry_after_s(response),
            )
    except (httpx.InvalidURL, httpx.HTTPError) as error:
        return Sent(
            error=f"{source.source} could not be reached: {type(error).__name__}", reached=False
        )


@cache
def _client() -> httpx.Client:
    """One client for all, which keeps connections open between letters."""
    import httpx

    return httpx.Client(
        timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        follow_redirects=False,
        # Not packed: what unpacks to more than it seems is not asked for.
        headers={"User-Agent": "wfm-social", "Accept-Encoding": "identity"},
    )


def _native_id(response: httpx.Response) -> str | None:
    """`native_id` of a JSON answer; None for any other answer, since the letter has arrived."""
    import httpx

    read = bytearray()
    until = time.monotonic() + ANSWER_S
    try:
        for part in response.iter_bytes():
            read += part
            # One that comes drop by drop must not keep the letters of others waiting.
            if len(read) > ANSWER_MAX or time.monotonic() > until:
                return None
        answer: Any = json.loads(read)
    except (ValueError, RecursionError, httpx.HTTPError):
        return None
    found = answer.get("native_id") if isinstance(answer, dict) else None
    # PostgreSQL keeps no NUL in a text.
    fits = isinstance(found, str) and 0 < len(found) <= NATIVE_ID_MAX and "\0" not in found
    return found if fits else None


def _retry_after_s(response: httpx.Response) -> int:
    """Seconds of the answer's Retry-After; 0 where it gives a date, which we take for no wait."""
    said = response.headers.get("retry-after", "")
    return min(int(said), RETRY_AFTER_MAX_S) if said.isascii() and said.isdigit() else 0
