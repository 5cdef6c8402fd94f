"""Personal data in the forms that logs, tools and people write it in, and what only looks like it."""

import pytest

from langtrail.processors.redact import redact_text

ESCAPED = {
    r'INFO args={"body": "Hi,\n4012888888881881\nthanks"} done': r'INFO args={"body": "Hi,\n[CREDIT_CARD]\nthanks"} done',
    r'tool_input={"csv":"ssn\n219-09-9998"}': r'tool_input={"csv":"ssn\n[US_SSN]"}',
    r'msg="IP list:\n203.0.113.7\r\n203.0.113.8"': r'msg="IP list:\n[IP_ADDRESS]\r\n[IP_ADDRESS]"',
    r'msg="x\nGB82WEST12345698765432\tDE89370400440532013000"': r'msg="x\n[IBAN]\t[IBAN]"',
    r'msg="x\n+442079460958\t(212) 555-0147"': r'msg="x\n[PHONE]\t[PHONE]"',
    r'msg="x\n3c:22:fb:9a:01:7e\t2001:db8::8a2e:370:7334\nfe80::1"': r'msg="x\n[MAC_ADDRESS]\t[IP_ADDRESS]\n[IP_ADDRESS]"',
    r'msg="x\n390.533.447-05"': r'msg="x\n[NATIONAL_ID]"',
    r'msg="x\nDOB: 1985-03-14\nSSN 219099998"': r'msg="x\nDOB: [DATE_OF_BIRTH]\nSSN [US_SSN]"',
    r'{"a":"x\\n390.533.447-05 \\n203.0.113.7 and \\nDOB: 1985-03-14"}': (
        r'{"a":"x\\n[NATIONAL_ID] \\n[IP_ADDRESS] and \\nDOB: [DATE_OF_BIRTH]"}'
    ),
    "4012&nbsp;8888&nbsp;8888&nbsp;1881 4012&#160;8888&#160;8888&#160;1881": "[CREDIT_CARD] [CREDIT_CARD]",
    "+44&nbsp;20&nbsp;7946&nbsp;0958, 219&#8209;09&#8209;9998": "[PHONE], [US_SSN]",
    "q=%2B44%C2%A020%C2%A07946%C2%A00958": "q=[PHONE]",
    "q=4012%c2%a08888%c2%a08888%c2%a01881&n=219%E2%80%9109%E2%80%919998": "q=[CREDIT_CARD]&n=[US_SSN]",
    "q=1%0A219-09-9998%0d%0a203.0.113.9": "q=1%0A[US_SSN]%0d%0a[IP_ADDRESS]",
    r'log {"tel":"+44\u00a020\u00a07946\u00a00958"} x': r'log {"tel":"[PHONE]"} x',
    r'log {"to":"\u0438\u0432\u0430\u043d@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444"} x': 'log {"to":"[EMAIL]"} x',
    r"\x1b[32m203.0.113.9\x1b[0m \u001b[1;32m203.0.113.9 \033[32m203.0.113.9 \e[0m": (
        r"\x1b[32m[IP_ADDRESS]\x1b[0m \u001b[1;32m[IP_ADDRESS] \033[32m[IP_ADDRESS] \e[0m"
    ),
}
"""What hides behind escapes where the text as a whole is no JSON, and what is left."""

NOT_ESCAPED = (
    r"open C:\new\table 1234 and C:\temp\names\ring 12.50",
    r"C:\reports\new\tmp\n203.txt D:\nas\tel 12",
    r"re.compile('\n\d{3}\t(\d+)\r')",
)


@pytest.mark.parametrize("text", ESCAPED)
def test_what_stands_behind_an_escape_goes(text: str) -> None:
    """An end of a line is one, and a blank that does not break is a blank, however they are written; the escape stays."""
    assert redact_text(text).text == ESCAPED[text]
    assert redact_text(ESCAPED[text]).text == ESCAPED[text]


@pytest.mark.parametrize("text", NOT_ESCAPED)
def test_what_only_looks_like_an_escape_changes_nothing(text: str) -> None:
    """Names of folders begin behind a backslash too."""
    assert redact_text(text).text == text


@pytest.mark.parametrize("escape", ["%3D", r"\x3d", "&#61;", r"\n203.0.113.9"])
@pytest.mark.parametrize("behind", ["", " x" * 400, f"{' x' * 400}%3D &#61;"])
def test_where_a_text_was_decoded_ends_nothing(escape: str, behind: str) -> None:
    """As far as a text is searched again it is cut anywhere: what is cut off there is not believed."""
    for filling in range(100, 320):
        text = f"{escape} {'a' * filling}\nAuthorization: Bearer [SECRET]{behind}"
        assert redact_text(text).text == text.replace("203.0.113.9", "[IP_ADDRESS]")


PUNCTUATED = {
    "«203.0.113.9» «4012 8888 8888 1881» «FR1420041010050500013M02606»": "«[IP_ADDRESS]» «[CREDIT_CARD]» «[IBAN]»",
    "«3c:22:fb:9a:01:7e» «219-09-9998» «2001:db8::1»": "«[MAC_ADDRESS]» «[US_SSN]» «[IP_ADDRESS]»",
    "مرحبا 203.0.113.9، 203.0.113.10؟": "مرحبا [IP_ADDRESS]، [IP_ADDRESS]؟",
    "नमस्ते 203.0.113.9।": "नमस्ते [IP_ADDRESS]।",
    "203.0.113.9·4012888888881881": "[IP_ADDRESS]·[CREDIT_CARD]",
    "¿203.0.113.9? n°4012888888881881, nº4012888888881881": "¿[IP_ADDRESS]? n°[CREDIT_CARD], nº[CREDIT_CARD]",
    "\u05be203.0.113.9\u05be": "\u05be[IP_ADDRESS]\u05be",
    "«DOB: 1985-03-14» “Passport no. 533380006” ¿DNI 54362315K? „Tel: 030 901820“": (
        "«DOB: [DATE_OF_BIRTH]» “Passport no. [NATIONAL_ID]” ¿DNI [NATIONAL_ID]? „Tel: [PHONE]“"
    ),
}


@pytest.mark.parametrize("text", PUNCTUATED)
def test_punctuation_of_any_script_is_no_part_of_a_word(text: str) -> None:
    """What stands in quotation marks or before a comma is found, in whatever language."""
    assert redact_text(text).text == PUNCTUATED[text]
    assert redact_text(PUNCTUATED[text]).text == PUNCTUATED[text]


@pytest.mark.parametrize("text", ["é4012888888881881", "ж203.0.113.9", "219-09-9998ä", "क203.0.113.9"])
def test_letters_of_any_script_are_parts_of_words(text: str) -> None:
    """A number that is part of a word is none."""
    assert redact_text(text).text == text


NETWORK = {
    "curl 10.0.0.5:8080/health; ssh -v 203.0.113.9": "curl [IP_ADDRESS]:8080/health; ssh -v [IP_ADDRESS]",
    "nginx: 203.0.113.9 - - [10/Oct/2024:13:55:36 +0000]": "nginx: [IP_ADDRESS] - - [10/Oct/2024:13:55:36 +0000]",
    "apache: 203.0.113.9 denied, Edge 203.0.113.9 is down": "apache: [IP_ADDRESS] denied, Edge [IP_ADDRESS] is down",
    "New sign-in: Chrome - 203.0.113.9": "New sign-in: Chrome - [IP_ADDRESS]",
    "DHCP release 203.0.113.9": "DHCP release [IP_ADDRESS]",
    "node-203.0.113.9:9100 ip_192.0.2.1 web_203.0.113.9:80": "node-[IP_ADDRESS]:9100 ip_[IP_ADDRESS] web_[IP_ADDRESS]:80",
    "10.2.3.4_access.log 203.0.113.9-access.log": "[IP_ADDRESS]_access.log [IP_ADDRESS]-access.log",
    'if client_ip=="203.0.113.9" or ip.src==203.0.113.9': 'if client_ip=="[IP_ADDRESS]" or ip.src==[IP_ADDRESS]',
    "IP6 2001:db8::1.53 > 2001:db8::2.443: Flags": "IP6 [IP_ADDRESS].53 > [IP_ADDRESS].443: Flags",
    "MAC:3c:22:fb:9a:01:7e BSSID:3C:22:FB:9A:01:7E": "MAC:[MAC_ADDRESS] BSSID:[MAC_ADDRESS]",
    "ether:3c:22:fb:9a:01:7e DA:3c:22:fb:9a:01:7e": "ether:[MAC_ADDRESS] DA:[MAC_ADDRESS]",
    "sta 3c:22:fb:9a:01:7e: authenticated": "sta [MAC_ADDRESS]: authenticated",
    "MAC\uff1a3c:22:fb:9a:01:7e, MAC:3c-22-fb-9a-01-7e": "MAC\uff1a[MAC_ADDRESS], MAC:[MAC_ADDRESS]",
    "IN=eth0 MAC=3c:22:fb:9a:01:7e:00:1b:21:3c:4d:5e:08:00 SRC=203.0.113.9": (
        "IN=eth0 MAC=[MAC_ADDRESS]:08:00 SRC=[IP_ADDRESS]"
    ),
    "? (192.0.2.1) at 3c:22:fb:9a:1:7e on en0": "? ([IP_ADDRESS]) at [MAC_ADDRESS] on en0",
    "peer 2001:db8:3c:22:fb:9a:1:7e": "peer [IP_ADDRESS]",
    "_203.0.113.77_ hw_3c:22:fb:9a:01:7e": "_[IP_ADDRESS]_ hw_[MAC_ADDRESS]",
    'v=203.0.113.77 {v: "203.0.113.77"} build 203.0.113.77, table 203.0.113.9': (
        'v=[IP_ADDRESS] {v: "[IP_ADDRESS]"} build [IP_ADDRESS], table [IP_ADDRESS]'
    ),
    "信息\uff1a2001:db8::8a2e:370:7334。谢谢": "信息\uff1a[IP_ADDRESS]。谢谢",
}
NO_NETWORK = (
    "nvidia-cublas-cu12==12.1.3.1 opencv-python>=4.9.0.80",
    'version = "4.1.2.3" <version>1.2.3.4</version> FileVersion=1.2.3.4 AssemblyVersion("1.2.3.4")',
    "EC 3.4.21.62, PCI DSS 12.10.4.1, v. 1.2.3.4",
    "Edg/120.0.0.0 nginx/1.2.3.4 libfoo-1.2.3.4.so app_1.2.3.4_amd64.deb",
    "WWN 50:01:43:80:12:34:56:78, serial 4f:a1:02:33:44:55:66:77:88",
    "12:34:56:78:9:10 1:2:3:4:5:6 2024-03-12-10-22-33 3c:22:fb:9a:01:7e:443",
)
MAIL = {
    "bob@example.xn--p1ai, R&D@example.com": "[EMAIL], [EMAIL]",
    "user!tag@example.org a.b#c@example.org bob/sales@example.org": "[EMAIL] [EMAIL] [EMAIL]",
    "bounce-ann.smith=example.org@lists.example.net": "[EMAIL]",
    "SRS0=HHH=TT=example.org=ann@fwd.example.net <prvs=1234=ann@example.org>": "[EMAIL] <[EMAIL]>",
    "email=ann@example.org&x=1 users/ann@example.org return=bob@example.org": (
        "email=[EMAIL]&x=1 users/[EMAIL] return=[EMAIL]"
    ),
    "https://x.example/p#ann@example.org": "https://x.example/p#[EMAIL]",
    '"ann lee"@b\u00fccher.example bob@example[.]org bob[@]example[.]org': "[EMAIL] [EMAIL] [EMAIL]",
    "ann@example.org(work)": "[EMAIL](work)",
}
NO_MAIL = (
    "Started getty@tty1.service, user@1000.service: postgresql@14-main.service backup@daily.timer dev@x.mount",
    "W@x.reshape(3,4) self.q@self.k.transpose",
)
NUMBERS = {
    "_4012888888881881_ __4012888888881881__": "_[CREDIT_CARD]_ __[CREDIT_CARD]__",
    "ssn_219-09-9998.pdf id.219-09-9998": "ssn_[US_SSN].pdf id.[US_SSN]",
    "Ann Lee\u2014219-09-9998": "Ann Lee\u2014[US_SSN]",
    "SS# 219099998, my social is 219 09 9998": "SS# [US_SSN], my social is [US_SSN]",
}
NO_NUMBERS = ("1.219-09-9998 12-219-09-9998 foo-219-09-9998", "order_4012888888881881 4012888888881881_2")


IDS = {
    "PPSN 1234567FA, PPS number: 1234567T": "PPSN [NATIONAL_ID], PPS number: [NATIONAL_ID]",
    "AHV-Nr. 7569217076985, CUIL 20-12345678-6": "AHV-Nr. [NATIONAL_ID], CUIL [NATIONAL_ID]",
    "MBI 1EG4TE5MK73, Medicare number 2123456701": "MBI [NATIONAL_ID], Medicare number [NATIONAL_ID]",
    "паспорт серия 4509 номер 123456": "паспорт серия [NATIONAL_ID]",
    "номер паспорта 4509 123456": "номер паспорта [NATIONAL_ID]",
    "cédula de ciudadanía 1023456789": "cédula de ciudadanía [NATIONAL_ID]",
    "JMBG 0101990710008, isikukood 38001085718": "JMBG [NATIONAL_ID], isikukood [NATIONAL_ID]",
    "driving licence number MORGA 753116 SM9IJ": "driving licence number [NATIONAL_ID]",
    "passport number 533380006, EIN: 123456789": "passport number [NATIONAL_ID], EIN: [NATIONAL_ID]",
}
NO_IDS = (
    "ein Umsatz von 123456789 Euro, Ein Haus kostet 250000000 Rupiah",
    "medicare spending 829500000 and 1200000 people",
    "Passport stamps 2019-2020-2021, passport for 2019-2020",
)
BIRTHS = {
    "<DateOfBirth>1985-03-14</DateOfBirth>": "<DateOfBirth>[DATE_OF_BIRTH]</DateOfBirth>",
    '<person date-of-birth="1985-03-14"/>': '<person date-of-birth="[DATE_OF_BIRTH]"/>',
    "dateOfBirth: 1985-03-14T00:00:00Z date_of_birth=1985-03-14": (
        "dateOfBirth: [DATE_OF_BIRTH]T00:00:00Z date_of_birth=[DATE_OF_BIRTH]"
    ),
}
GOES = {**NETWORK, **MAIL, **NUMBERS, **IDS, **BIRTHS}


@pytest.mark.parametrize("text", GOES)
def test_personal_data_goes_to_its_end(text: str) -> None:
    """All of a value goes, whatever stands beside it; again changes nothing."""
    expected = GOES[text]
    assert redact_text(text).text == expected
    assert redact_text(expected).text == expected


@pytest.mark.parametrize("text", [*NO_NETWORK, *NO_MAIL, *NO_NUMBERS, *NO_IDS])
def test_what_only_looks_like_personal_data_stays(text: str) -> None:
    """Versions, serial numbers, units of systemd and products of matrices are nobody's."""
    assert redact_text(text).text == text
