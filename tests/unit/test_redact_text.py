"""What goes from a text and what stays, case by case: each line is a mistake that a redactor makes somewhere."""

import json
from base64 import b64encode

import pytest

from langtrail.processors.redact import redact_text

GOES = {
    "a card with hyphens": ("pay with 4539-1488-0343-6467 by 11/28", "pay with [CREDIT_CARD] by 11/28"),
    "a card of fifteen digits": ("amex 3782 822463 10005.", "amex [CREDIT_CARD]."),
    "a card before an amount": ("paid 5555.5555.5555.4444 1000.50 EUR", "paid [CREDIT_CARD] 1000.50 EUR"),
    "two cards side by side": ("4539 1488 0343 6467 5555 5555 5555 4444", "[CREDIT_CARD] [CREDIT_CARD]"),
    "a mistyped card that is called one": ("my card is 4539148803436468", "my card is [CREDIT_CARD]"),
    "an unusual card that is called one": (
        "debit card 6759649826438453 and 501864667909",
        "debit card [CREDIT_CARD] and [CREDIT_CARD]",
    ),
    "an IMEI, though Luhn is right": ("IMEI: 356938035643809", "IMEI: [NATIONAL_ID]"),
    "phones with and without a plus": ("ring +49 30 901820 or 212.555.0147 after six", "ring [PHONE] or [PHONE] after six"),
    "digits after a word that says phone": ("Tel: 2125550147, mobil 0171 5550123", "Tel: [PHONE], mobil [PHONE]"),
    "phones joined by a word": ("call 555-0147 or 555-0148", "call [PHONE] or [PHONE]"),
    "a phone with an extension": ("(212) 555-0147 ext. 12", "[PHONE]"),
    "a phone in a script without spaces": ("我的电话是13812345678。", "我的电话是[PHONE]。"),
    "a national number with a trunk zero": ("or 06 12 34 56 78 in Lyon", "or [PHONE] in Lyon"),
    "a social security number with dashes": ("SSN 219-09-9999, not 219-00-9999", "SSN [US_SSN], not 219-00-9999"),
    "one without, where the text says so": ("her social security no is 219099999 ok", "her social security no is [US_SSN] ok"),
    "an IBAN in lower case": ("pay de89 3704 0044 0532 0130 00 now", "pay [IBAN] now"),
    "an IBAN behind what looks like one": ("ref DE12 paid DE89370400440532013000", "ref DE12 paid [IBAN]"),
    "an address that is no version": (
        "host 9.8.7.6 runs version 9.8.7.6 of it",
        "host [IP_ADDRESS] runs version 9.8.7.6 of it",
    ),
    "IPv6 in its forms": (
        "from ::ffff:192.0.2.7 to fe80::1 via [2001:db8::5]",
        "from [IP_ADDRESS] to [IP_ADDRESS] via [[IP_ADDRESS]]",
    ),
    "IPv6 written out, with a port": ("to 2001:db8:0:1:2:3:4:5:443 ok", "to [IP_ADDRESS]:443 ok"),
    "a number of Spain after its word": ("DNI: 54362315K", "DNI: [NATIONAL_ID]"),
    "a wallet": ("to bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.", "to [CRYPTO_WALLET]."),
    "where somebody lives": ("wohnt Lindenstr. 5, 10969 Berlin", "wohnt [ADDRESS]"),
    "when somebody was born": ("born on March 3, 1985 in Lyon", "born on [DATE_OF_BIRTH] in Lyon"),
    "a MAC address": ("dev 3C-22-FB-9A-01-7E up", "dev [MAC_ADDRESS] up"),
    "e-mail in any script": ("an jürgen@bücher.example, o'hara+x@mail.example.org.", "an [EMAIL], [EMAIL]."),
    "e-mail with letters that pass for Latin ones": (
        "to ann\u0430@ex\u0430mple.c\u043em and x@\u0441\u043em.\u0441om now",
        "to [EMAIL] and [EMAIL] now",
    ),
    "a birth on the next line": (
        "Q: And your date of birth?\nA: 1945-01-18.",
        "Q: And your date of birth?\nA: [DATE_OF_BIRTH].",
    ),
    "a password that begins like a variable": ('pass := "$y3CabxYoqwuF"', 'pass := "[SECRET]"'),
    "e-mail between Chinese words": ("邮箱li.wei@example.cn谢谢", "邮箱[EMAIL]谢谢"),
    "e-mail in quotation marks": ("«ann@example.org», 'bob@example.org'", "«[EMAIL]», '[EMAIL]'"),
    "a password like a word": ('{"password": "sunshine"}', '{"password": "[SECRET]"}'),
    "the credential of a header": (
        'curl -H "Authorization: Bearer abc.def-123" https://a.example',
        'curl -H "Authorization: Bearer [SECRET]" https://a.example',
    ),
    "two headers on a line": (
        "authorization: Basic dTpw0000, proxy-authorization: Bearer zz99zz99",
        "authorization: Basic [SECRET], proxy-authorization: Bearer [SECRET]",
    ),
    "a cookie's values": ("Cookie: sid=9f8e7d; theme=dark", "Cookie: [SECRET]"),
    "the password of a URL": ("DB=mysql://u:p%40ss!@db.example:3306/shop", "DB=mysql://u:[SECRET]@db.example:3306/shop"),
    "a token with a prefix": (
        f'class="sk-learn-nice-long-class-name" sk-proj-{"aB3dE5" * 5}',
        'class="sk-learn-nice-long-class-name" [SECRET]',
    ),
    "a hash, where it is called a key": (
        "commit 1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e api_key=1b2c3d4e5f60718293a4b5c6d7e8f90a",
        "commit 1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e api_key=[SECRET]",
    ),
    "a key block with escaped line breaks": (
        r'k: "-----BEGIN PRIVATE KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----"',
        'k: "[SECRET]"',
    ),
    "a key block that was cut off": ("-----BEGIN RSA PRIVATE KEY-----\nMIIBVgIBADANBgkq", "[SECRET]"),
    "full-width digits": (
        "card \uff14\uff15\uff13\uff19 \uff11\uff14\uff18\uff18 \uff10\uff13\uff14\uff13 \uff16\uff14\uff16\uff17",
        "card [CREDIT_CARD]",
    ),
    "invisible characters": ("mail ann\u200b@\u2060example.org ok", "mail [EMAIL] ok"),
    "base64": ("data eyJtYWlsIjoiYW5uQGV4YW1wbGUub3JnIn0= end", "data [EMAIL] end"),
    "percent-encoding": ("https://a.example/?q=ann%40example.org&x=1", "https://a.example/?q=[EMAIL]&x=1"),
    "escapes in plain text": (r"said {\"to\": \"\u0061nn@example.org\"}", r"said {\"to\": \"[EMAIL]\"}"),
    "HTML entities": ("ann&#64;example.org", "[EMAIL]"),
    "a password in a sentence": ("My password is hunter2!, ok?", "My password is [SECRET], ok?"),
    "an assignment in Go": ('pass := "hunter two"', 'pass := "[SECRET]"'),
    "an assignment in YAML": ("dbPass: 'hunter two'", "dbPass: '[SECRET]'"),
    "an assignment in SQL": ("ALTER USER a IDENTIFIED BY 'hunter2'", "ALTER USER a IDENTIFIED BY '[SECRET]'"),
    "a query parameter": ("GET /x?api_key=abc123def456&page=2", "GET /x?api_key=[SECRET]&page=2"),
    "a connection string": ("Server=db;Password=hunter2;Port=1", "Server=db;Password=[SECRET];Port=1"),
    "Python's repr": ("{'password': 'hunter2', 'n': 1}", "{'password': '[SECRET]', 'n': 1}"),
    "digits straight after a script without spaces": (
        "卡号4539148803436467、地址203.0.113.9から、口座DE89370400440532013000",
        "卡号[CREDIT_CARD]、地址[IP_ADDRESS]から、口座[IBAN]",
    ),
    "a card over two lines, and one with dots": (
        "4539 1488\n0343 6467, then 4539.1488.0343.6467",
        "[CREDIT_CARD], then [CREDIT_CARD]",
    ),
    "an IBAN over two lines": ("to DE89 3704 0044\n0532 0130 00 now", "to [IBAN] now"),
    "e-mail written for people": (
        'ann [at] example [dot] org, "ann b"@example.org, ann @ example.org',
        "[EMAIL], [EMAIL], [EMAIL]",
    ),
    "a bare MAC address after its word": ("MAC address: 3c22fb9a017e", "MAC address: [MAC_ADDRESS]"),
    "the colours of a terminal": (f"key \x1b[32msk-proj-{'aB3dE5' * 5}\x1b[0m ok", "key \x1b[32m[SECRET]\x1b[0m ok"),
    "a key told in a sentence": (
        "your Acme API key is 2afddb813193eb9d3b5bd99bf5d834cd, keep it",
        "your Acme API key is [SECRET], keep it",
    ),
    "a key with a dash before it": ("acme token - 'Qx7Lw2Zk9Vb4Nm1Ty8Pr'", "acme token - '[SECRET]'"),
    "a number that is somebody's": ("my number is 4155552671", "my number is [PHONE]"),
    "a phone number before its word": ("0532 123 45 67 numara", "[PHONE] numara"),
    "an address after its label": (
        "Address: 3421 Lyngveien 46, Apt. 7, Bergen, Norway 5003. Ring twice.",
        "Address: [ADDRESS]. Ring twice.",
    ),
    "an address over lines": ("ship to 12 Oak Drive\n Suite 4\n Portland, OR 97201\n\nThanks", "ship to [ADDRESS]\n\nThanks"),
    "an address without spaces": ("住所: 東京都千代田区丸の内1-2-3です", "住所: [ADDRESS]です"),
    "a list of passwords": (
        "passwords:\n  - hunter2\n  - 'hunter3'\nport: 25",
        "passwords:\n  - [SECRET]\n  - '[SECRET]'\nport: 25",
    ),
    "a column of CSV": (
        'id,"user",password\r\n1,bob,sunshine\r\n2,ann,"moon, light"\r\n\r\n3,eve,x',
        'id,"user",password\r\n1,bob,[SECRET]\r\n2,ann,"[SECRET]"\r\n\r\n3,eve,x',
    ),
    "a column of a table in Markdown": (
        "| user | mobile phone |\n|------|---|\n| bob | 030 901820 |\n\nthe end",
        "| user | mobile phone |\n|------|---|\n| bob | [PHONE] |\n\nthe end",
    ),
    "numbers between commas": (
        "17,4111111111111111,3\n18,+12125550147,3",
        "17,[CREDIT_CARD],3\n18,[PHONE],3",
    ),
    "a card after a word with a number": ("field1 4111 1111 1111 1111 ok", "field1 [CREDIT_CARD] ok"),
    "a password like its name": ("spring.datasource.password=password\n", "spring.datasource.password=[SECRET]\n"),
    "a token of the environment": ("export DRONE_TOKEN=YXNkZmZmZm_HARDcoded", "export DRONE_TOKEN=[SECRET]"),
    "a key by its vendor": ('"slackKey": "QXNkZmZmZmZmZm_HARDcoded"', '"slackKey": "[SECRET]"'),
    "a web token": (
        "t=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2ln. next",
        "t=[SECRET]. next",
    ),
}

STAYS = {
    "a number like a card's": "parcel 4539-1488-0343-6468 left",
    "milliseconds with Luhn's digit": "step|ts=1514038620000|ok",
    "a fraction like a card": '{"score": 0.4539148803436467, "n": 3}',
    "a fraction with a comma": "score 0,4539148803436467 of 10",
    "a dump in hexadecimal": "543E 5426 544E 5427 5446 5443 5433 5448 5442 541B",
    "a ZIP code": "51 Franklin St, Boston, MA\n# 02110-1301 USA",
    "a browser": "Version/3.1.2 Mobile Safari/525.20.1",
    "book and order numbers": 'number: 978-6-69-213247-2, {"number": "INV-2024-3332353992"}, number=2015-6957',
    "coordinates": "at -39.852829 +16.072886",
    "heads without a table": "name, token, password\n\nuser, token\nare asked for, once, by phone",
    "a UUID": "id=2f5a1c9e-4b7d-4e21-9c3a-446655440000",
    "a traceparent": "traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "timestamps": "at 2025-07-01 09:08:07,654 and 20250701090807 rows=1129004, 2025-07-01T09:08:07.123456Z +02:00",
    "ids in SQL": "SELECT * FROM t WHERE id IN (2125550147, 2125550148)",
    "an area that is not issued": "ticket 666-12-3456 and 900-12-3456",
    "nine digits of an invoice": "invoice 219099999 is due",
    "an IBAN with a wrong digit": "part no. DE89 3704 0044 0532 0130 01",
    "files, packages and prompts": "see /img/a@2x.png, left-pad@1.3.0, root@web-1:~$ and git@github.com:a/b.git",
    "usage of a model": '{"usage":{"prompt_tokens":1723,"max_tokens":4096,"token_count":99},"next_token":"the"}',
    "what is about secrets": '{"password_policy":"min 12 chars","secret_name":"prod/db","token_type":"Bearer","key_id":"k"}',
    "code that leads to a secret": 'password = os.environ["DB_PASSWORD"]; token = get_token(); key=cfg.key; secret: str = None',
    "templates and masks": "password=${DB_PASSWORD} token={{ token }} pwd=******** secret=<your secret> key=%s",
    "placeholders": "clean: [EMAIL] [EMAIL:7f3a9c21] <PERSON_1> ****-****-****-6467 password=[SECRET] Bearer [SECRET]",
    "prose about passwords": "The password is stored hashed. A token is a word. The key to success: practice.",
    "prose with numbers": "He sold 1,200 eggs for $2.50 each, 3,000.00 in all, on 5 May 2024 at 10:30; 80 000 people.",
    "versions and sections": "Chrome/120.0.0.0, nginx version 1.25.3.1, section 3.2.1.4, v1.2.3.4",
    "C++ and times": "std::add::face at 10:22:33 and ::std::string; 12:34:56:78",
    "an address that is none, with a port": "QuorumPeer/0:0:0:0:0:0:0:0:2181, token: com.example.service/4505",
    "hex dumps": "00 01 02 03 04 05 06 07 de ad be ef",
    "a base64 image": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "base64 of nothing to hide": "payload: dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcw==",
    "ids of calls": '{"id":"call_AbCdEf1234567890abcdefgh","run":"run-0f8a7d6e","model":"gpt-4o-2024-08-06"}',
    "a schema with a password": '{"password":{"type":"string","description":"Her password"},"phone":{"type":"string"}}',
    "a JSON number like a card under an id": '{"trace_id":4539148803436467,"order_id":2125550147}',
    "a file in a URL": "https://a.example/b/c.html?page=2&sort=asc#top",
    "a list after the word phone": "files left on the phone ?, 15 24 21 4 and 1.0 49.95 2500.0",
    "a working directory": "sudo: ann : TTY=pts/6 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/ls",
    "hashes and keys that are none": "sort key 2afddb813193eb9d3b5bd99bf5d834cd, ModKey Hash=E60A27AAEB184AABD9C92C513B27F98A",
    "a time and a place": "we meet at 5 PM Tuesday; the address is 0x7fff, email address Bob 12, 10 tests in Suite 4",
    "an id that begins like a long card": "ord=6795061899455057 blk_-1608999687919862906",
    "what stands for a password": "password: $$PASSWORD, db_password: '{ password }', pwd: !Ref DbPassword",
    "an option without a value": "curl --tlspassword https://a.example; wget --password= https://a.example",
    "a name in markup": '<add key="ConnectionString1" value="none" />',
    "an empty value": '{"password":"","token":null,"secret":false,"api_key":"None"}',
}


@pytest.mark.parametrize("case", GOES)
def test_personal_data_and_secrets_go(case: str) -> None:
    """The value goes, and nothing around it; again changes nothing."""
    text, expected = GOES[case]
    assert redact_text(text).text == expected
    assert redact_text(expected).text == expected


@pytest.mark.parametrize("case", STAYS)
def test_ordinary_data_stays(case: str) -> None:
    """What only looks like personal data is byte for byte what it was."""
    redacted = redact_text(STAYS[case])
    assert (redacted.text, redacted.findings) == (STAYS[case], [])


@pytest.mark.parametrize("case", GOES)
def test_offsets_are_characters_of_the_input(case: str) -> None:
    """Findings are in order, do not overlap, and cutting them out by their offsets gives the redacted text."""
    text, expected = GOES[case]
    redacted = redact_text(text)
    pieces, at = [], 0
    for kind, start, end in redacted.findings:
        assert at <= start < end <= len(text)
        pieces += [text[at:start], f"[{kind}]"]
        at = end
    assert "".join([*pieces, text[at:]]) == expected


def test_json_stays_as_it_is_written_but_for_what_goes() -> None:
    """Blanks, number formats, escapes, order and duplicate keys of JSON are kept; only the value is replaced."""
    text = '{ "a" : 1.50e+3, "b":"\\u00e9\\n", "to":"ann@example.org" , "to": "x",\n"n": 12345678901234567890 }'
    assert redact_text(text).text == text.replace("ann@example.org", "[EMAIL]")


def test_a_duplicate_key_hides_nothing() -> None:
    """Parsers keep the last of two equal keys; the first is searched too."""
    assert redact_text('{"a":"ann@example.org","a":"","password":"hunter2","password":""}').findings[0].type == "EMAIL"
    assert "hunter2" not in redact_text('{"password":"hunter2","password":""}').text


def test_numbers_under_a_telling_key_go_and_it_stays_json() -> None:
    """A number is replaced by a string; the same digits under another key stay."""
    redacted = redact_text('{"phone": 2125550147, "order_id": 2125550148, "pin": 4821, "card": 4539148803436467}')
    assert json.loads(redacted.text) == {"phone": "[PHONE]", "order_id": 2125550148, "pin": "[SECRET]", "card": "[CREDIT_CARD]"}
    assert redacted.findings[0] == ("PHONE", 10, 20)


def test_keys_that_are_redacted_stay_distinct() -> None:
    """Two e-mail addresses as keys of one object become two keys; each object counts for itself."""
    text = '{"a":{"ann@example.org":3,"bob@example.org":5},"b":{"ann@example.org":7}}'
    assert json.loads(redact_text(text).text) == {"a": {"[EMAIL:1]": 3, "[EMAIL:2]": 5}, "b": {"[EMAIL:1]": 7}}


def test_a_redacted_key_never_takes_the_place_of_another() -> None:
    """A key that is already a placeholder keeps its number; a new one gets another."""
    text = '{"[EMAIL:1]":1,"ann@example.org":2}'
    assert json.loads(redact_text(text).text) == {"[EMAIL:1]": 1, "[EMAIL:2]": 2}


def test_json_in_json_is_taken_apart() -> None:
    """Arguments of a tool call are JSON in a string, their escapes too; what goes is cut out at its depth."""
    arguments = json.dumps({"to": "ann@example.org", "cc": 4539148803436467, "phone": 2125550147, "n": 1})
    arguments = arguments.replace("ann", "\\u0061nn")
    text = json.dumps({"tool_calls": [{"name": "send", "arguments": json.dumps({"inner": arguments})}]})
    redacted = json.loads(redact_text(text).text)
    inner = json.loads(json.loads(redacted["tool_calls"][0]["arguments"])["inner"])
    assert inner == {"to": "[EMAIL]", "cc": "[CREDIT_CARD]", "phone": "[PHONE]", "n": 1}
    assert redacted["tool_calls"][0]["name"] == "send"


def test_json_deeper_than_it_is_taken_apart_is_searched_as_text() -> None:
    """Beyond the third level nothing is lost: what has a form of its own is found in the escaped text."""
    text = "ann@example.org"
    for _ in range(7):
        text = json.dumps({"v": text})
    assert "ann@" not in redact_text(text).text


def test_json_that_was_cut_off_is_searched_as_json() -> None:
    """Its keys tell what its values are, and what was a number is a string, wherever it ends."""
    text = '{"password":"sunshine","note":"from ann@example.org","phones":{"home":2125550147},"rest":"bob@exam'
    redacted = '{"password":"[SECRET]","note":"from [EMAIL]","phones":{"home":"[PHONE]"},"rest":"bob@exam'
    assert redact_text(text).text == redacted


def test_lines_of_json_stay_lines_of_json() -> None:
    """Each is searched as JSON; the last one may have been cut off."""
    line = '{"password":"sunshine","phone":2125550147,"mail":"ann@example.org"}'
    redacted = '{"password":"[SECRET]","phone":"[PHONE]","mail":"[EMAIL]"}'
    assert redact_text(f"{line}\n{line}\n{line[:-3]}").text == f"{redacted}\n{redacted}\n{redacted[:-2]}"


def test_what_only_looks_like_json_is_searched_as_both() -> None:
    """Keys tell what values are, and text may stand outside of the strings."""
    text = '{"password":"sunshine", from ann@example.org, "phone":2125550147}'
    assert redact_text(text).text == '{"password":"[SECRET]", from [EMAIL], "phone":[PHONE]}'


def test_what_a_key_says_holds_for_what_is_below_it() -> None:
    """Lists and objects under a secret's key are secret; the description of an argument is not, its default is."""
    text = json.dumps(
        {
            "credentials": {"user": "ann", "extra": ["hunter2", {"deep": 12345}], "type": "basic"},
            "password": {"type": "string", "title": "Password", "default": "hunter3"},
        }
    )
    redacted = json.loads(redact_text(text).text)
    assert redacted["credentials"] == {"user": "[SECRET]", "extra": ["[SECRET]", {"deep": "[SECRET]"}], "type": "basic"}
    assert redacted["password"] == {"type": "string", "title": "Password", "default": "[SECRET]"}


def test_pairs_of_name_and_value_are_read_together() -> None:
    """Environment variables, headers and form fields come as two members: the one says what the other is."""
    text = '[{"name":"DB_PASSWORD","value":"sunshine"},{"name":"DB_HOST","value":"sunny"},{"key":"ssn","value":219099999}]'
    values = [pair["value"] for pair in json.loads(redact_text(text).text)]
    assert values == ["[SECRET]", "sunny", "[US_SSN]"]


def test_a_key_is_the_context_of_its_value() -> None:
    """What a word before a number tells in text, its key tells in JSON."""
    assert redact_text('{"version":"9.8.7.6","peer":"9.8.7.6"}').text == '{"version":"9.8.7.6","peer":"[IP_ADDRESS]"}'
    assert redact_text('{"card":"6759649826438453","lot":"6759649826438451"}').text.count("[") == 1


def test_lone_surrogates_stop_nothing() -> None:
    """Half a surrogate pair is legal in JSON: it is searched around, and stays escaped."""
    text = '{"a":"\\ud83d ann@example.org \\ud83d\\ude00 bob@example.org"}'
    assert redact_text(text).text == '{"a":"\\ud83d [EMAIL] \\ud83d\\ude00 [EMAIL]"}'
    assert redact_text("x \ud83d ann@example.org").findings == [("EMAIL", 4, 19)]


def test_long_arrays_of_numbers_are_left_alone() -> None:
    """Embeddings are numbers, whatever digits they have."""
    text = json.dumps({"phone": "x", "embedding": [0.4539148803436467, -1e-05, 3.7828224631e2] * 500})
    redacted = redact_text(text)
    assert (redacted.text, redacted.findings) == (text, [])


CARRIED = (
    "mail bob@example.org today",
    '{"password": "sunshine"}',
    '[{"ssn": "219-09-9999',
    "nothing to be seen here",
    "call +49 30 901820",
)


def test_many_carried_texts_are_searched_as_each_on_its_own() -> None:
    """Base64 of prose, of JSON and of JSON that was cut off: what goes of one does not depend on how many there are."""
    encoded = [b64encode(text.encode()).decode() for text in CARRIED]
    alone = [redact_text(text).text for text in encoded]
    assert alone == ["[EMAIL]", "[SECRET]", "[US_SSN]", encoded[3], "[PHONE]"]
    assert redact_text(" ".join(encoded * 3)).text == " ".join(alone * 3)
