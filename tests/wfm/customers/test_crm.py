"""The CRM: who it knows, what it is told, and that it is told once."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from wfm.customers.crm import CrmCustomer, Identity, crm_of
from wfm.customers.crmfile import FileCrm
from wfm.customers.crmhttp import HttpCrm
from wfm.errors import DataError, SetupError
from wfm.settings import Settings

LEAD = "lead:eve"
CUSTOMERS = """crm_id,name,email,phone,x,Facebook
C1,Ann,ann@example.com,+49 30 1111111,@annie;77,
C2,Bob,both@example.com,,,bob.b
C3,Cem,both@example.com,+49303333333,,
"""


@pytest.fixture
def file_crm(tmp_path: Path) -> FileCrm:
    customers = tmp_path / "customers.csv"
    customers.write_text(CUSTOMERS, encoding="utf-8")
    return FileCrm(customers, tmp_path / "activities.jsonl")


# -- a CRM of files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "crm_id"),
    [
        (Identity("x", "77"), "C1"),
        (Identity("x", "1", ("old", "Annie")), "C1"),
        # A name that was given up may be somebody else's by now.
        (Identity("x", "1", ("annie", "new")), None),
        (Identity("facebook", "1", ("bob.b",)), "C2"),
        # The same name on another platform is another account.
        (Identity("x", "1", ("bob.b",)), None),
        (Identity("x", "1", email="ann@example.com"), "C1"),
        (Identity("x", "1", phone="+49303333333"), "C3"),
        # An address of two is nobody's for sure.
        (Identity("x", "1", email="both@example.com"), None),
        (Identity("x", "77", email="both@example.com"), "C1"),
        (Identity("x", "77", crm_id="C3"), "C3"),
        (Identity("x", "1"), None),
    ],
)
def test_a_person_is_found_by_the_surest_sign(
    file_crm: FileCrm, identity: Identity, crm_id: str | None
):
    found = file_crm.find(identity)

    assert (found and found.crm_id) == crm_id


def test_customers_are_read_anew_when_their_file_changes(file_crm: FileCrm, tmp_path: Path):
    assert file_crm.find(Identity("x", "99")) is None
    (tmp_path / "customers.csv").write_text(CUSTOMERS + "C4,Dee,,,99,\n", encoding="utf-8")

    assert file_crm.find(Identity("x", "99")) == CrmCustomer("C4", "Dee")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"name\nAnn\n", "no column crm_id"),
        (b"crm_id,name\n,Ann\n", "line 2: the crm_id is empty"),
        (b"crm_id\n\xff\n", "is no CSV file in UTF-8"),
    ],
)
def test_a_file_that_is_no_list_of_customers_is_told(tmp_path: Path, data: bytes, told: str):
    file = tmp_path / "c.csv"
    file.write_bytes(data)

    with pytest.raises(DataError, match=told):
        FileCrm(file, tmp_path / "a.jsonl").find(Identity("x", "1"))


def test_an_activity_stands_there_once_whoever_wrote_it(file_crm: FileCrm, tmp_path: Path):
    other = FileCrm(tmp_path / "customers.csv", tmp_path / "activities.jsonl")
    for crm in (file_crm, other, file_crm):
        crm.record({"text": "déjà"}, "activity:1")
    other.record({"text": "two\nlines"}, "activity:2")
    file_crm.record({"text": "x"}, "activity:2")

    lines = (tmp_path / "activities.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"key": "activity:1", "activity": {"text": "déjà"}},
        {"key": "activity:2", "activity": {"text": "two\nlines"}},
    ]


def test_a_line_that_a_crash_cut_off_is_told_again(file_crm: FileCrm, tmp_path: Path):
    (tmp_path / "activities.jsonl").write_text('{"key": "activity:1", "act', encoding="utf-8")

    file_crm.record({}, "activity:1")
    file_crm.record({}, "activity:1")

    lines = (tmp_path / "activities.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == ['{"key": "activity:1", "activity": {}}']


# -- a CRM over HTTP -----------------------------------------------------------------------------


Answers = list[httpx.Response | Exception]


def http_crm(answers: Answers) -> tuple[HttpCrm, list[httpx.Request], list[float]]:
    """A CRM that gives these answers one after the other; what it was asked, and how it waited."""
    asked: list[httpx.Request] = []
    waited: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = answers[len(asked) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    transport = httpx.MockTransport(answer)
    crm = HttpCrm("http://crm.test/api/", "s3cret", transport=transport, pause=waited.append)
    return crm, asked, waited


def test_a_person_is_asked_for_by_what_is_known_of_them():
    answer = {"customers": [{"crm_id": "C1", "name": "Ann", "email": None}]}
    crm, (asked), _ = http_crm([httpx.Response(200, json=answer)])

    found = crm.find(Identity("x", "77", ("old", "annie"), email="a@b.c"))

    assert found == CrmCustomer("C1", "Ann")
    assert str(asked[0].url) == (
        "http://crm.test/api/customers?platform=x&native_id=77&handle=annie&email=a%40b.c"
    )
    assert asked[0].headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(200, json={"customers": []}),
        httpx.Response(200, json={"customers": [{"crm_id": "C1"}, {"crm_id": "C2"}]}),
    ],
)
def test_nobody_or_several_is_nobody(answer: httpx.Response):
    crm, *_ = http_crm([answer])

    assert crm.find(Identity("x", "77")) is None


def test_an_activity_is_posted_under_its_key_and_known_is_as_good():
    crm, asked, _ = http_crm([httpx.Response(201), httpx.Response(409)])

    for _turn in range(2):
        crm.record({"case_id": 7}, "activity:31")

    assert [request.headers["idempotency-key"] for request in asked] == ["activity:31"] * 2
    assert json.loads(asked[0].content) == {"case_id": 7}


def test_a_crm_that_is_away_is_tried_again_and_then_left_for_later():
    crm, asked, waited = http_crm(
        [httpx.Response(503), httpx.ConnectError("no"), httpx.Response(201)]
    )
    crm.record({}, "k")
    assert (len(asked), waited) == (3, [0.5, 2.0])

    away, *_ = http_crm([httpx.ReadTimeout("slow")] * 3)
    with pytest.raises(ConnectionError, match=r"the CRM could not be reached \(ReadTimeout\)"):
        away.record({}, "k")


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (httpx.Response(401), SetupError, "refuses our secret; correct WFM_CRM_SECRET"),
        (httpx.Response(302, headers={"location": "http://evil"}), DataError, "answered 302"),
        (httpx.Response(400), DataError, "answered 400 and will not take this"),
        (httpx.Response(200, text="hello"), DataError, "something else than"),
        (httpx.Response(200, json={"customers": [{"name": "Ann"}]}), DataError, "something else"),
        (httpx.Response(200, json={"customers": [{"crm_id": 7}]}), DataError, "something else"),
    ],
)
def test_an_answer_that_is_none_is_told_without_the_secret(
    answer: httpx.Response, error: type[Exception], told: str
):
    crm, *_ = http_crm([answer])

    with pytest.raises(error, match=told) as caught:
        crm.find(Identity("x", "77"))
    assert "s3cret" not in str(caught.value)


def test_the_settings_name_the_crm(tmp_path: Path):
    secret = SecretStr("s3cret")

    assert crm_of(Settings(home=tmp_path)) is None
    assert isinstance(crm_of(Settings(home=tmp_path, crm=str(tmp_path / "c.csv"))), FileCrm)
    assert isinstance(
        crm_of(Settings(home=tmp_path, crm="https://crm.test", crm_secret=secret)), HttpCrm
    )
    assert "s3cret" not in repr(Settings(home=tmp_path, crm_secret=secret))
    with pytest.raises(SetupError, match="WFM_CRM is no http or https address"):
        HttpCrm("http://crm:port", pause=lambda _: None).find(Identity("x", "1"))
