"""Checks of what a pattern found: checksums, issued ranges, and whether a text looks random."""

import binascii
import json
import math
from base64 import urlsafe_b64decode
from collections.abc import Collection
from functools import cache, reduce
from hashlib import sha256
from operator import xor
from string import ascii_letters, digits
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_LUHN_SINGLE: Final = bytes([byte - 48 if 48 <= byte < 58 else 0 for byte in range(256)])
_LUHN_DOUBLED: Final = bytes([2 * digit - 9 * (digit > 4) for digit in _LUHN_SINGLE])
_NO_DIGITS: Final = bytes({*range(256)} - {*b"0123456789"})
_IBAN_DIGITS: Final = str.maketrans({char: str(value) for value, char in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 10)})

_ANY_LENGTH: Final = (12, 13, 14, 15, 16, 17, 18, 19)
_CARD_RANGES: Final = (
    # first four digits from, to, lengths; ISO/IEC 7812 as the networks publish them
    (604, 604, _ANY_LENGTH),  # Maestro
    (1800, 1800, (15,)),  # JCB
    (2131, 2131, (15,)),  # JCB
    (2200, 2204, (16,)),  # Mir
    (2221, 2720, (16,)),  # Mastercard
    (3000, 3059, (14,)),  # Diners Club
    (3095, 3095, (14,)),  # Diners Club
    (3400, 3499, (15,)),  # American Express
    (3500, 3599, (16,)),  # JCB: 3528 to 3589; the rest of 35 is in use as sample data
    (3600, 3699, (14,)),  # Diners Club
    (3700, 3799, (15,)),  # American Express
    (3800, 3999, (14, 16)),  # Diners Club
    (4000, 4999, (13, 16, 19)),  # Visa
    (5000, 5099, _ANY_LENGTH),  # Maestro, Elo, Verve
    (5100, 5599, (16,)),  # Mastercard
    (5600, 5899, _ANY_LENGTH),  # Maestro
    (6000, 6999, _ANY_LENGTH),  # Discover, UnionPay, Maestro, RuPay
    (8100, 8199, (16,)),  # RuPay
    (9792, 9792, (16,)),  # Troy
)
CARD_LENGTHS: Final = {f"{start:04}": lengths for first, last, lengths in _CARD_RANGES for start in range(first, last + 1)}
"""How long the card numbers are that begin with these four digits."""
# These lengths are all but one network's only ones: Luhn is enough. The others are common lengths of ids.
_CARD_CERTAIN: Final = {"2": (16,), "3": (14, 15, 16), "4": (16,), "5": (16,), "6": (16,), "9": (16,)}
_SIXES: Final = ("60", "62", "64", "65", "6304", "6390", "6759", "676", "677")
"""Discover, UnionPay, RuPay and Maestro: what else begins with 6 is seldom a card."""

IBAN_LENGTHS: Final = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FK", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}
"""Length of an IBAN by country, as the SWIFT IBAN registry (release 100) has them."""
_IBAN_COUNTRIES: Final = {country: country.translate(_IBAN_DIGITS) for country in IBAN_LENGTHS}


def luhn(digits: str) -> bool:
    """Tell whether the digits end in their Luhn check digit (ISO/IEC 7812-1, annex B)."""
    data = digits.encode()
    return (sum(data[-1::-2].translate(_LUHN_SINGLE)) + sum(data[-2::-2].translate(_LUHN_DOUBLED))) % 10 == 0


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text."""
    return text.encode("ascii", "ignore").translate(None, _NO_DIGITS).decode()


def card_range(digits: str) -> bool:
    """Tell whether a card network issues numbers that begin and are as long as this."""
    return len(digits) in CARD_LENGTHS.get(digits[:4], ())


def card_certain(digits: str) -> bool:
    """Tell whether range and length leave little else than a card, if the Luhn digit is right too."""
    return len(digits) in _CARD_CERTAIN.get(digits[0], ()) and (digits[0] != "6" or digits.startswith(_SIXES))


def all_alike(digits: str) -> bool:
    """Tell whether all digits are the same one."""
    return digits.count(digits[0]) == len(digits)


def iban(compact: str) -> bool:
    """Tell whether a compact IBAN, in capitals, has its country's length and check digits (ISO 13616, ISO 7064 mod 97-10)."""
    if len(compact) != IBAN_LENGTHS.get(compact[:2]):
        return False
    if compact[2:].isdigit():
        return int(compact[4:] + _IBAN_COUNTRIES[compact[:2]] + compact[2:4]) % 97 == 1
    return int((compact[4:] + compact[:4]).translate(_IBAN_DIGITS)) % 97 == 1


_BASE58: Final = {char: value for value, char in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_BECH32: Final = {char: value for value, char in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_BECH32_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_TERMS: Final = [
    reduce(xor, [term for bit, term in enumerate(_BECH32_GENERATOR) if top >> bit & 1], 0) for top in range(32)
]
"""What the top five bits of a checksum add to the next one."""


def base58_checked(text: str) -> bool:
    """Tell whether this is 25 bytes in base58 of which the last four are the hash of the others (Bitcoin's base58check)."""
    number = 0
    for char in text:
        number = number * 58 + _BASE58[char]
    if number.bit_length() > 200:
        return False
    data = number.to_bytes(25, "big")
    return sha256(sha256(data[:21]).digest()).digest()[:4] == data[21:]


def bech32(text: str) -> bool:
    """Tell whether the checksum of a bech32 (BIP 173) or bech32m (BIP 350) text is right."""
    prefix, _, rest = text.lower().rpartition("1")
    checksum = 1
    for value in (*[ord(c) >> 5 for c in prefix], 0, *[ord(c) & 31 for c in prefix], *[_BECH32.get(c, 0) for c in rest]):
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _BECH32_TERMS[checksum >> 25]
    return checksum in (1, 0x2BC830A3)


def us_ssn(digits: str) -> bool:
    """Tell whether nine digits may be a US social security number: areas 000, 666, 900 up, and zero groups are not issued."""
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def _national_lengths(calling_code: int) -> Collection[int]:
    lengths: set[int] = set()
    for region in COUNTRY_CODE_TO_REGION_CODE.get(calling_code, ()):
        region_data = PhoneMetadata.metadata_for_region(region) or PhoneMetadata.metadata_for_nongeo_region(calling_code)
        if region_data is not None and region_data.general_desc is not None:
            lengths.update(region_data.general_desc.possible_length)
    return frozenset(lengths)


_NATIONAL_LENGTHS: Final = {code: _national_lengths(code) for code in COUNTRY_CODE_TO_REGION_CODE}
"""How many digits the numbers of each calling code may have. Read at once: that takes as long as the worst text may."""
_LONGEST_CALLING_CODE: Final = 3


def international_lengths(digits: str) -> Collection[int]:
    """Return how many digits, calling code included, numbers that begin with these may have in their country (ITU-T E.164)."""
    return _lengths_after(digits[: _LONGEST_CALLING_CODE + 1])


@cache
def _lengths_after(first: str) -> Collection[int]:
    for size in range(1, _LONGEST_CALLING_CODE + 1):
        lengths = {size + length for length in _NATIONAL_LENGTHS.get(int(first[:size]), ())}
        if lengths:
            # A trunk zero is often written in parentheses after the calling code.
            has_trunk = first[size : size + 1] == "0"
            return frozenset(lengths | {length + 1 for length in lengths} if has_trunk else lengths)
    return frozenset()


_JOSE: Final = ("alg", "enc", "typ", "kid", "jku", "jwk", "x5u", "x5c", "x5t", "cty", "epk", "zip")


def is_jwt(token: str) -> bool:
    """Tell whether parts joined by dots are a web token: the first is a JOSE header, or the first two are JSON objects."""
    header, _, rest = token.partition(".")
    members = _json_object(header)
    return members is not None and (not members.isdisjoint(_JOSE) or _json_object(rest.partition(".")[0]) is not None)


def _json_object(encoded: str) -> frozenset[str] | None:
    """Return the keys of the JSON object that this is the base64url of; None when it is none."""
    try:
        members = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return frozenset(members) if isinstance(members, dict) else None


_MOST_JUDGED: Final = 256
"""Characters of a value that its randomness is judged by."""
_TIMES_LOG: Final = (0.0, *[n * math.log2(n) for n in range(1, _MOST_JUDGED + 1)])


def entropy(text: str) -> float:
    """Return Shannon's entropy of the characters, bits each; of the first 256."""
    text = text[:_MOST_JUDGED]
    return math.log2(len(text)) - sum([_TIMES_LOG[text.count(char)] for char in {*text}]) / len(text) if text else 0.0


@cache
def _least_entropy(kinds: int, characters: int) -> float:
    """Return the entropy of a text of so many characters, as many of them different; all but one of these stand in it once."""
    return math.log2(characters) - _TIMES_LOG[characters - kinds + 1] / characters


_KINDS_OF: Final = bytes.maketrans((digits + ascii_letters).encode(), b"0" * len(digits) + b"a" * len(ascii_letters))
"""What tells letters, digits and signs apart."""
_SIGNS_IN_RANDOM: Final = b"a0+/=_.~%-"


def _kinds(text: str) -> bytes:
    """Return an `a` for each letter of a text that may be random, and a 0 for each digit; nothing of another."""
    if not text.isascii():
        return b""
    kinds = text.encode().translate(_KINDS_OF)
    return b"" if kinds.translate(None, _SIGNS_IN_RANDOM) else kinds[:_MOST_JUDGED]


def looks_random(text: str, minimum: int = 8) -> bool:
    """Tell whether a word was made by a machine, or by someone choosing a password: letters and digits, no dictionary word."""
    return len(text) >= minimum and _is_random(text, _kinds(text))


def _is_random(text: str, kinds: bytes) -> bool:
    if b"0" not in kinds or b"a" not in kinds:
        return False
    judged = text[:_MOST_JUDGED]
    enough = min(2.75, math.log2(len(text)) - 0.75)
    return _least_entropy(len({*judged}), len(judged)) >= enough or entropy(judged) >= enough


_FEWEST_SWITCHES: Final = 3
"""From letters to digits and back: names with a version or a number have two."""


def machine_made(text: str, minimum: int = 16) -> bool:
    """Tell whether a word was made by a machine without doubt: letters and digits take turns in it."""
    kinds = _kinds(text) if len(text) >= minimum else b""
    return kinds.count(b"a0") + kinds.count(b"0a") >= _FEWEST_SWITCHES and _is_random(text, kinds)
