"""Signatures: who knows the secret signed these bytes, just now."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.errors import SignatureRefused, SignatureStale
from wfm.ingest.signing import SKEW_S, check, sign

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
AT = int(NOW.timestamp())
SECRET = "a secret of some length"


def test_a_signature_is_the_hmac_of_id_time_and_body():
    expected = hmac.new(SECRET.encode(), b"d1.1772442000.{}", hashlib.sha256).hexdigest()
    assert AT == 1772442000
    assert sign(SECRET, "d1", AT, b"{}") == f"v1={expected}"


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    key=st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1),
    body=st.binary(),
    away=st.integers(-SKEW_S, SKEW_S),
)
def test_what_was_signed_is_found_good_within_the_skew(key, body, away):
    check(
        SECRET, key, str(AT), body, sign(SECRET, key, AT, body), now=NOW + timedelta(seconds=away)
    )


@settings(max_examples=60, derandomize=True, deadline=None)
@given(body=st.binary(min_size=1), at=st.data())
def test_a_body_altered_in_any_bit_is_refused(body, at):
    place = at.draw(st.integers(0, 8 * len(body) - 1))
    altered = bytearray(body)
    altered[place // 8] ^= 1 << place % 8
    with pytest.raises(SignatureRefused):
        check(SECRET, "d1", str(AT), bytes(altered), sign(SECRET, "d1", AT, body), now=NOW)


def test_one_of_several_signatures_suffices_while_a_secret_is_changed():
    both = f"{sign('another secret', 'd1', AT, b'x')}, {sign(SECRET, 'd1', AT, b'x')}"
    check(SECRET, "d1", str(AT), b"x", both, now=NOW)


@pytest.mark.parametrize("away", [SKEW_S + 1, -SKEW_S - 1])
def test_a_good_signature_from_another_time_is_stale(away):
    signature = sign(SECRET, "d1", AT, b"x")
    with pytest.raises(SignatureStale, match="301 s away from our clock"):
        check(SECRET, "d1", str(AT), b"x", signature, now=NOW + timedelta(seconds=away))


@pytest.mark.parametrize(
    ("timestamp", "signature"),
    [
        ("", "v1="),
        ("now", "v1="),
        ("-5", "v1="),
        ("1.5", "v1="),
        ("9" * 400, "v1="),
        ("\u0661", "v1="),
        (str(AT), ""),
        (str(AT), "v2=00"),
        (str(AT), "v1=é"),
        (str(AT + 1), None),
    ],
)
def test_anything_else_is_refused(timestamp, signature):
    given_signature = sign(SECRET, "d1", AT, b"x") if signature is None else signature
    with pytest.raises(SignatureRefused):
        check(SECRET, "d1", timestamp, b"x", given_signature, now=NOW)


def test_an_id_with_a_dot_is_refused_since_what_is_signed_could_be_cut_in_two_ways():
    signature = sign(SECRET, "a", AT, b"%d.b" % AT)
    assert signature == sign(SECRET, f"a.{AT}", AT, b"b")
    with pytest.raises(SignatureRefused, match="no dot"):
        check(SECRET, f"a.{AT}", str(AT), b"b", signature, now=NOW)
