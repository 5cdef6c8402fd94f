"""Thirty-one texts on which redactors fail, through `langtrail redact`: what must go is gone, what must stay stays."""

import json
import subprocess
import sys
from base64 import b64encode
from typing import NamedTuple

import pytest


class Case(NamedTuple):
    """A text, and why it is hard."""

    why: str
    text: str
    goes: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()


_TOKEN = "sk-proj-" + "q7W8e9R0" * 4
_HASH = "3b18e512dba79e4c8300dd08aeb37f8e728b8dad"
_WIDE = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
_CARRIED = b64encode(b'{"mail":"eve@example.net","ssn":"219-09-9999"}').decode()
_ARGUMENTS = json.dumps({"to": "eve@example.net", "cc": "+4930901820"}).replace("eve", "\\u0065ve").replace("+", "\\u002b")

CASES = (
    Case("a card with Luhn's digit", "paid by 5555-5555-5555-4444 exp 01/29", ("5555-5555-5555-4444",)),
    Case("a number like a card without it", "pallet 5555-5555-5555-4445 arrived", (), ("5555-5555-5555-4445",)),
    Case("milliseconds with Luhn's digit", "beat|ts=1514038680009|ok", (), ("1514038680009",)),
    Case("a fraction that is a card's number", '{"p": 0.5555555555554444, "k": 2}', (), ("0.5555555555554444",)),
    Case("an IMEI is no card", "IMEI 356938035643809 stolen", ("356938035643809",)),
    Case("a UUID", "id=7d444840-9dc0-11d1-b245-5ffdce74fad2", (), ("7d444840-9dc0-11d1-b245-5ffdce74fad2",)),
    Case(
        "a trace id",
        "traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        (),
        ("0af7651916cd43dd8448eb211c80319c",),
    ),
    Case(
        "times of logs",
        "at 2025-11-02 08:41:07,554 and 20251102084107 rows=2125550",
        (),
        ("2025-11-02 08:41:07,554", "20251102084107", "2125550"),
    ),
    Case(
        "phones of ranges that are kept for films",
        "reach me on +44 7700 900 123 or 212.555.0147 tonight",
        ("+44 7700 900 123", "212.555.0147"),
    ),
    Case("ids like phones", "DELETE FROM o WHERE id IN (2125550147, 2125550148)", (), ("2125550147",)),
    Case(
        "the key decides",
        '{"phone": 2125550147, "invoice_id": 2125550148}',
        ("2125550147",),
        ("2125550148",),
    ),
    Case("areas that are never issued", "SSN 219-09-9999; case 666-45-6789", ("219-09-9999",), ("666-45-6789",)),
    Case("no dashes, but the word", "her ssn is 219099999 ok", ("219099999",)),
    Case("no dashes and no word", "batch 219099999 is late", (), ("219099999",)),
    Case("an IBAN in lower case", "send to de89 3704 0044 0532 0130 00 now", ("de89 3704 0044 0532 0130 00",)),
    Case("a part number like an IBAN", "art. DE89 3704 0044 0532 0130 01", (), ("DE89 3704 0044 0532 0130 01",)),
    Case(
        "an address that is also a version",
        "peer 2.31.4.8 left; server version 2.31.4.8 runs",
        ("peer 2.31.4.8",),
        ("version 2.31.4.8",),
    ),
    Case("files and shells with an at sign", "see /a/icon@3x.webp, admin@db-2:~$", (), ("icon@3x.webp", "admin@db-2")),
    Case(
        "addresses beyond ASCII",
        "an jörg@grün.example.de und d'arcy+y@mail.example.org.",
        ("jörg@grün.example.de", "d'arcy+y@mail.example.org"),
    ),
    Case(
        "tokens that are counted",
        '{"usage": {"prompt_tokens": 812, "max_tokens": 2048, "token_count": 77}, "next_token": "of"}',
        (),
        ("812", "2048", "77", '"of"'),
    ),
    Case(
        "a password like a word",
        '{"password": "sunshine", "password_policy": "at least 14 signs"}',
        ("sunshine",),
        ("at least 14 signs",),
    ),
    Case(
        "the credential of a header, no more",
        'curl -H "Authorization: Bearer zz11.b0Cd2-E" https://api.example.net',
        ("zz11.b0Cd2-E",),
        ("Authorization", "https://api.example.net"),
    ),
    Case(
        "the password of a URL, no more",
        "DSN=mysql://shop:h%40nter!@db.internal:3306/carts",
        ("h%40nter!",),
        ("db.internal:3306/carts",),
    ),
    Case(
        "escapes in JSON in a string",
        json.dumps({"name": "mail", "arguments": _ARGUMENTS}),
        ("ve@example.net", "4930901820"),
        ("mail",),
    ),
    Case(
        "keys that are addresses",
        '{"votes": {"eve@example.net": 3, "dan@example.net": 5}}',
        ("eve@example.net", "dan@example.net"),
        ("3", "5"),
    ),
    Case(
        "digits of full width, characters of none",
        f"card {'5555 5555 5555 4444'.translate(_WIDE)} or eve\u200b@\u2060example.net",
        ("5555 5555 5555 4444".translate(_WIDE), "example.net"),
    ),
    Case("base64", f"body: {_CARRIED}", (_CARRIED,), ("body",)),
    Case(
        "a prefix alone is nothing",
        f'class="sk-toggleable__content-arrow" and {_TOKEN}',
        (_TOKEN,),
        ("sk-toggleable__content-arrow",),
    ),
    Case("a hash, and the same as a key", f"commit {_HASH} sets api_key={_HASH[:32]}", (f"api_key={_HASH[:32]}",), (_HASH,)),
    Case(
        "a key block with escaped line breaks",
        f'key: "-----BEGIN {"PRIVATE"} KEY-----\\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8\\n-----END PRIVATE KEY-----"',
        ("MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8",),
    ),
    Case(
        "what is clean already",
        "clean: [EMAIL:2c9f31ab] <PERSON_2> ****-****-****-4444",
        (),
        ("[EMAIL:2c9f31ab]", "<PERSON_2>", "****-****-****-4444"),
    ),
)


@pytest.fixture(scope="module")
def redacted() -> dict[str, str]:
    """Return what the command makes of each case, by why it is hard."""
    lines = "".join(json.dumps({"text": case.text}) + "\n" for case in CASES)
    command = [sys.executable, "-c", "import sys; from langtrail.deploy.cli import main; sys.argv[1:] = ['redact']; main()"]
    answer = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=120)
    texts = [json.loads(line)["text"] for line in answer.stdout.splitlines()]
    return dict(zip([case.why for case in CASES], texts, strict=True))


def test_there_are_as_many_as_are_told() -> None:
    """Thirty-one, each told apart by why it is hard."""
    assert len({case.why for case in CASES}) == len(CASES) == 31


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_hard_case(case: Case, redacted: dict[str, str]) -> None:
    """What must go is not in the answer, what must stay is."""
    text = redacted[case.why]
    assert not [gone for gone in case.goes if gone in text]
    assert not [kept for kept in case.stays if kept not in text]
