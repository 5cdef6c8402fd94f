"""Checks of what a pattern found, against published examples."""

import pytest

from langtrail.processors.validators import (
    IBAN_LENGTHS,
    card_range,
    entropy,
    iban,
    international_lengths,
    is_jwt,
    looks_random,
    luhn,
    us_ssn,
)

# Test numbers as the card networks and their processors publish them.
CARDS = (
    "4111111111111111 4012888888881881 4222222222222 5555555555554444 5105105105105100 2223003122003222 378282246310005"
    " 371449635398431 6011111111111117 6011000990139424 30569309025904 38520000023237 3530111333300000 3566002020360505"
    " 6200000000000005 6759649826438453 5018000000000009 2200000000000053 9792300000000007"
)
# The examples of the SWIFT IBAN registry.
IBANS = (
    "AD1200012030200359100100 AE070331234567890123456 AT611904300234573201 BE68539007547034 BR1800360305000010009795493C1"
    " CH9300762011623852957 CZ6508000000192000145399 DE89370400440532013000 DK5000400440116243 ES9121000418450200051332"
    " FI2112345600000785 FR1420041010050500013M02606 GB29NWBK60161331926819 GR1601101250000000012300695 IE29AIBK93115212345678"
    " IL620108000000099999999 IT60X0542811101000000123456 LC55HEMM000100010012001200023015 MT84MALT011000012345MTLCAST001S"
    " NL91ABNA0417164300 NO9386011117947 PL61109010140000071219812874 PT50000201231234567890154 RO49AAAA1B31007593840000"
    " SA0380000000608010167519 SE4550000000058398257466 SK3112000000198742637541 TR330006100519786457841326"
)


@pytest.mark.parametrize("digits", CARDS.split())
def test_published_card_numbers_pass(digits: str) -> None:
    """Range, length and check digit are right; any other last digit fails."""
    assert card_range(digits)
    assert luhn(digits)
    assert not any(luhn(digits[:-1] + str(other)) for other in range(10) if str(other) != digits[-1])


@pytest.mark.parametrize("digits", ["1514038620000", "1111111111111111", "9999999999999995", "4111", "41111111111111111111"])
def test_other_numbers_are_no_cards(digits: str) -> None:
    """Epoch milliseconds, unissued ranges and wrong lengths are not in the table."""
    assert not card_range(digits)


@pytest.mark.parametrize("number", IBANS.split())
def test_published_ibans_pass(number: str) -> None:
    """Length and check digits are right; with two digits swapped they are not."""
    assert iban(number)
    assert not iban(number[:2] + number[3] + number[2] + number[4:]) or number[2] == number[3]
    assert not iban(number + "0")


def test_ibans_of_unknown_countries_fail() -> None:
    """A country without IBANs has none, whatever the check digits."""
    assert "US" not in IBAN_LENGTHS
    assert not iban("US64SVBKUS6S3300958879")


@pytest.mark.parametrize(
    ("digits", "possible"),
    [("219099999", True), ("000121234", False), ("666121234", False), ("900121234", False), ("219001234", False)],
)
def test_social_security_numbers_follow_the_issuing_rules(digits: str, possible: bool) -> None:
    """Some areas and groups are never issued."""
    assert us_ssn(digits) is possible


@pytest.mark.parametrize(
    ("digits", "possible"),
    [
        ("442079460018", True),
        ("4412", False),
        ("12125550147", True),
        ("1212555014", False),
        ("493090182", True),
        ("999123", False),
        ("4602079460018123", False),
        ("460892857138", True),
        ("000", False),
    ],
)
def test_phone_numbers_are_as_long_as_their_country_allows(digits: str, possible: bool) -> None:
    """The calling code decides how many digits may follow, a written trunk zero besides."""
    assert (len(digits) in international_lengths(digits)) is possible


def test_a_web_token_begins_with_a_header() -> None:
    """Base64url of a JSON object with a parameter of a JOSE header, or of two JSON objects; nothing else."""
    assert is_jwt("eyJhbGciOiJIUzI1NiJ9.e30")
    assert is_jwt("eyJub3RlIjoiIn0.eyJzdWIiOiJib2IifQ.c2ln")
    assert not any(is_jwt(text) for text in ("eyJub3RlIjoiIn0", "WzFd", "eyJ", "é", ""))


@pytest.mark.parametrize("text", ["0f8a7d6e5c4b", "aB3dE5gH7jK9", "2f5a1c9e-4b7d-4e21-9c3a-446655440000"])
def test_random_looks_random(text: str) -> None:
    """Letters and digits in no order."""
    assert looks_random(text)


@pytest.mark.parametrize("text", ["password", "aaaaaaaaaaaa1", "12345678", "the token", "short1", "com.example.Class@1f", ""])
def test_words_do_not_look_random(text: str) -> None:
    """Words, numbers, repeats, sentences and names of code do not."""
    assert not looks_random(text)


def test_entropy_is_shannons() -> None:
    """Bits a character: none for one character over and over, two for four different ones."""
    assert (entropy("aaaa"), entropy("abcd"), entropy("")) == (0.0, 2.0, 0.0)
