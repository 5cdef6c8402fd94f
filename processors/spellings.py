"""How identifiers are spelled: one spelling for all the ways to write one, and those that a person may be known by."""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    format_number,
    is_possible_number,
    is_valid_number,
    national_significant_number,
    parse,
)

from .normalise import plain
from .validators import digits_of, international_lengths, luhn

REGIONS: Final = frozenset(SUPPORTED_REGIONS)
"""The countries whose phone numbers can be told (ISO 3166-1)."""

_FEWEST_PHONE_DIGITS: Final = 5
_NORTH_AMERICAN: Final = re.compile(r"1?([2-9]\d\d[2-9]\d{6})")
"""Area and exchange from 2 (NANP), with the trunk prefix or without it."""
_NOT_DIALLED: Final = re.compile(r"[^\d+ ().\-/]")
_DIALLED: Final = re.compile(r"\+?[ (]{0,3}\d")
_LONGEST_PHONE: Final = 100
"""Characters of a value that a phone number stands in."""
_CALLING_CODES: Final = (1, 2, 3)
"""How many digits they have (ITU-T E.164)."""
_TRUNK: Final = "(0)"
_NOT_ALPHANUMERIC: Final = re.compile(r"[^0-9A-Za-z]")
_PERSONNUMMER: Final = re.compile(r"(?:19|20)(\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{4})")
_MAILTO: Final = re.compile(r"mailto:", re.IGNORECASE)
_PUNYCODE: Final = "xn--"
_LONGEST_LABEL: Final = 63
"""Characters of a label of a domain name (RFC 1035)."""
_LONGEST_COMPOSED: Final = 1000
"""Characters of an identifier, by far. To put very many marks in order takes Unicode's algorithm the square of their number."""
_HEXADECIMAL: Final = re.compile(r"0x[0-9A-Fa-f]+")
_BECH32: Final = re.compile(r"[A-Z]{2,6}1[0-9A-Z]+")


def canonical_of(kind: str, value: str, region: str = "") -> str | None:
    """Return one spelling for all spellings of an identifier; None when it cannot be one of this type.

    `region` is the country (ISO 3166-1) of phone numbers without a calling code.
    """
    text = value if value.isascii() and "\x1b" not in value else _composed(plain(value).text)
    if kind == "PHONE":
        return _phone(text[:_LONGEST_PHONE], region) or None
    return _CANONICAL.get(kind, str)(text.strip()) or None


def spellings_of(kind: str, subject: str) -> list[str]:
    """Return the canonical spellings that texts about this one may have, the country of their phone numbers unknown."""
    canonical = canonical_of(kind, subject)
    if canonical is None:
        return []
    return [canonical] if kind != "PHONE" else [*dict.fromkeys((canonical, *_readings(plain(subject).text, canonical)))]


def _readings(text: str, canonical: str) -> Iterator[str]:
    """Yield what else the canonical spelling of a phone number may be where its country was not known, or where it was."""
    number = _dialled(text[:_LONGEST_PHONE])
    if not number.startswith(("+", "00")):
        yield digits_of(number)
        yield from _in_any_country(number)
    international = _parsed(canonical, "") if canonical[0] == "+" else None
    if international is not None:
        national = national_significant_number(international)
        for written in (national, digits_of(format_number(international, PhoneNumberFormat.NATIONAL))):
            yield from (written, _phone(written, ""))
        yield f"{international.country_code}{national}"


def _in_any_country(number: str) -> Iterator[str]:
    for regions in COUNTRY_CODE_TO_REGION_CODE.values():
        parsed = _parsed(number, regions[0]) if regions[0] in REGIONS else None
        if parsed is not None and is_valid_number(parsed):
            yield _e164(parsed)


def _parsed(number: str, region: str) -> PhoneNumber | None:
    try:
        return parse(number, region or None)
    except NumberParseException:
        return None


def _e164(number: PhoneNumber) -> str:
    written: str = format_number(number, PhoneNumberFormat.E164)
    return written


def _dialled(text: str) -> str:
    """Return a phone number without what is said before it, and without an extension."""
    first = _DIALLED.search(text)
    if first is None:
        return ""
    behind = _NOT_DIALLED.search(text, first.start())
    return text[first.start() : behind.start() if behind else None]


@lru_cache(maxsize=4096)
def _phone(text: str, region: str) -> str:
    """Return ITU-T E.164 where the calling code is written, or can be told; else the digits as they are dialled."""
    number = _dialled(text)
    digits = digits_of(number)
    if len(digits) < _FEWEST_PHONE_DIGITS:
        return ""
    if number.lstrip("( ").startswith("+"):
        return _international(digits_of(number.replace(_TRUNK, "")))
    if digits.startswith("00"):
        return _international(digits_of(number.replace(_TRUNK, ""))[2:])
    return _national(digits, region)


def _international(digits: str) -> str:
    if not digits:
        return ""
    if len(digits) in international_lengths(digits):
        size = next(size for size in _CALLING_CODES if int(digits[:size]) in COUNTRY_CODE_TO_REGION_CODE)
        if digits[size] != "0":
            return f"+{digits}"
    parsed = _parsed(f"+{digits}", "")  # the trunk prefix behind a calling code is no part of the number
    return f"+{digits}" if parsed is None else _e164(parsed)


def _national(digits: str, region: str) -> str:
    parsed = _parsed(digits, region) if region else None
    if parsed is not None and is_valid_number(parsed):
        return _e164(parsed)
    north_american = _NORTH_AMERICAN.fullmatch(digits)
    if north_american:
        return f"+1{north_american[1]}"
    return _e164(parsed) if parsed is not None and is_possible_number(parsed) else digits


def _email(text: str) -> str:
    """Return an address in lower case, its domain in Unicode; what stands behind a plus may be another mailbox, and stays."""
    _, opened, bracketed = text.rpartition("<")
    address = bracketed[:-1] if opened and bracketed.endswith(">") else text
    local, at, domain = _MAILTO.sub("", address, count=1).rpartition("@")
    if not (at and local and domain):
        return ""
    return _composed(f"{local}@{'.'.join(map(_label, domain.lower().split('.')))}".lower())


def _label(label: str) -> str:
    """Return a label of a domain name in Unicode (RFC 5890)."""
    if not label.startswith(_PUNYCODE) or len(label) > _LONGEST_LABEL:
        return label
    try:
        return label.removeprefix(_PUNYCODE).encode().decode("punycode")
    except UnicodeError:
        return label


def _composed(text: str) -> str:
    """Return a letter and its marks as one character, where there is one (NFC)."""
    return unicodedata.normalize("NFC", text) if len(text) <= _LONGEST_COMPOSED else text


def _compact(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", text).upper()


def _national_id(text: str) -> str:
    """Return its letters and digits; a Swedish number, checked by Luhn, is written with its century or without."""
    compact = _compact(text)
    with_century = _PERSONNUMMER.fullmatch(compact)
    return with_century[1] if with_century and luhn(with_century[1]) else compact


def _ip_address(text: str) -> str:
    """Return the form of RFC 5952, of an IPv4-mapped address the IPv4 one."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0].strip("[]"))
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).compressed


def _wallet(text: str) -> str:
    """Return hexadecimal (EIP-55) and bech32 (BIP 173) in lower case: its capitals only check it, and base58's tell."""
    return text.lower() if _HEXADECIMAL.fullmatch(text) or _BECH32.fullmatch(text) else text


def _person(text: str) -> str:
    return " ".join(text.casefold().split())


_CANONICAL: Final[Mapping[str, Callable[[str], str]]] = {
    "EMAIL": _email,
    "CREDIT_CARD": digits_of,
    "CRYPTO_WALLET": _wallet,
    "US_SSN": digits_of,
    "IBAN": _compact,
    "NATIONAL_ID": _national_id,
    "MAC_ADDRESS": _compact,
    "IP_ADDRESS": _ip_address,
    "PERSON": _person,
}
