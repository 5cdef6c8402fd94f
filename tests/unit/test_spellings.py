"""Identifiers have one spelling however they are written, and a person is looked for by each that a text may have."""

from random import Random

import phonenumbers
import pytest

from langtrail.processors.spellings import REGIONS, canonical_of, spellings_of

# ruff: noqa: E501 - a case is a line


@pytest.mark.parametrize(
    ("kind", "spellings", "canonical"),
    [
        ("EMAIL", ("Bob@Example.COM", "mailto:bob@example.com", "MAILTO:bob@example.com", "bob\u200b@example.com"), "bob@example.com"),
        ("EMAIL", ("Bob B. <bob@bücher.de>", "bob@xn--bcher-kva.de", "bob@XN--BCHER-KVA.de", "bob@bu\u0308cher.de"), "bob@bücher.de"),
        ("PHONE", ("+1 415 555 2671", "(415) 555-2671", "415-555-2671 ext. 5", "1-415-555-2671", "001 415 555 2671"), "+14155552671"),
        ("PHONE", ("4155552671", "14155552671", "tel:+1-415-555-2671;ext=5", "415.555.2671x22", "(415)555-2671 #5"), "+14155552671"),
        ("PHONE", ("+44 (0)20 7946 0958", "+44 020 7946 0958", "0044 20 7946 0958", "+\uff14\uff14 20 7946 0958"), "+442079460958"),
        ("PHONE", ("+39 06 698 1234", "0039 06 698 1234"), "+39066981234"),
        ("PHONE", ("+7 8 495 123-45-67", "+7 495 123 45 67"), "+74951234567"),
        ("PHONE", ("020 7946 0958", "(020) 7946-0958"), "02079460958"),
        ("CREDIT_CARD", ("4539 1488 0343 6467", "4539-1488-0343-6467", "4539148803436467"), "4539148803436467"),
        ("IBAN", ("gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"), "GB82WEST12345698765432"),
        ("IP_ADDRESS", ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "[2001:db8::1]", "2001:db8::1%eth0"), "2001:db8::1"),
        ("IP_ADDRESS", ("1.2.3.4", "::ffff:1.2.3.4", "::FFFF:0102:0304", "[::ffff:1.2.3.4]"), "1.2.3.4"),
        ("MAC_ADDRESS", ("00:1A:2b:3c:4d:5e", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e"), "001A2B3C4D5E"),
        ("NATIONAL_ID", ("529.982.247-25", "52998224725"), "52998224725"),
        ("NATIONAL_ID", ("19811228-9874", "811228-9874", "198112289874"), "8112289874"),
        ("US_SSN", ("078-05-1123", "078 05 1123", "078051123"), "078051123"),
        ("PERSON", ("Ann  Lee", "ann lee", "ANN LEE"), "ann lee"),
        ("PERSON", ("José", "Jose\u0301"), "josé"),
        ("CRYPTO_WALLET", ("0x52908400098527886E0F7030069857D2E4169EE7", "0x52908400098527886e0f7030069857d2e4169ee7"),
         "0x52908400098527886e0f7030069857d2e4169ee7"),
        ("CRYPTO_WALLET", ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
         "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ],
)  # fmt: skip
def test_every_spelling_is_one(kind: str, spellings: tuple[str, ...], canonical: str) -> None:
    """What is written differently joins all the same."""
    assert {canonical_of(kind, spelling) for spelling in spellings} == {canonical}


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("EMAIL", "bob@example.com", "bob+news@example.com"),
        ("EMAIL", "bob@straße.de", "bob@strasse.de"),
        ("PHONE", "+44 20 7946 0958", "+1 207 946 0958"),
        ("NATIONAL_ID", "198112289875", "8112289875"),
        ("CRYPTO_WALLET", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1a1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ],
)
def test_what_is_not_the_same_is_not_joined(kind: str, one: str, other: str) -> None:
    """Another mailbox, another domain, another country, no check digit, letters whose capitals count."""
    assert canonical_of(kind, one) != canonical_of(kind, other)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("EMAIL", "nobody"), ("EMAIL", "<@>"), ("PHONE", "12"), ("PHONE", "ext. 5"), ("PHONE", "+"), ("IP_ADDRESS", "1.2.3")],
        *[("PERSON", " "), ("IBAN", "--")],
    ],
)
def test_what_is_none_has_no_canonical_form(kind: str, value: str) -> None:
    """Then it is no subject, and nothing is looked for."""
    assert canonical_of(kind, value) is None
    assert spellings_of(kind, value) == []


@pytest.mark.parametrize("region", sorted(REGIONS - {"NU", "TA", "TK"}))  # they have four digits there: no subject
def test_a_number_of_any_country_is_found_by_either_spelling(region: str) -> None:
    """With its country known a national spelling is the international one; without, looking for one finds the other."""
    number = phonenumbers.example_number(region)
    assert number is not None
    styles = phonenumbers.PhoneNumberFormat
    e164, abroad, at_home = (
        phonenumbers.format_number(number, style) for style in (styles.E164, styles.INTERNATIONAL, styles.NATIONAL)
    )
    assert canonical_of("PHONE", abroad) == e164
    assert canonical_of("PHONE", at_home, region) == e164
    as_redacted = canonical_of("PHONE", at_home)
    assert as_redacted in spellings_of("PHONE", abroad)
    assert e164 in spellings_of("PHONE", at_home)


def test_any_text_has_a_spelling_or_none() -> None:
    """A policy may say of anything what it is; no text is an error."""
    chance = Random(5)  # noqa: S311 - always the same ones
    kinds = ("PHONE", "EMAIL", "IP_ADDRESS", "NATIONAL_ID", "CRYPTO_WALLET", "PERSON")
    for _ in range(20_000):
        text = "".join(
            chance.choices(
                ("0", "1", "3", "7", "00", "(0)", "+", " ", "(", ")", "-", "@", ".", "xn--", "a", ":", "\u0660"), k=9
            )
        )
        for kind in kinds:
            assert canonical_of(kind, text) != ""
        assert canonical_of("PHONE", text, "GB") != ""
    for text in ("00(0)(0)(0)", "00(0)(0)0", "00353", "+353 0", "(0)(0)(0)(0)(0)"):
        assert isinstance(spellings_of("PHONE", text), list)


def test_a_long_value_is_no_long_work() -> None:
    """A policy may say of any text that it is an identifier; of a phone number's, what stands at its beginning is."""
    assert canonical_of("PHONE", "+1 415 555 2671 " + "x" * 100_000) == "+14155552671"
    assert canonical_of("PHONE", " (" * 50_000) is None
    assert canonical_of("EMAIL", "<" * 500_000) is None
    assert canonical_of("PERSON", "a" + "\u0315\u0300" * 250_000) is not None
    label = "xn--" + "a" * 500_000
    assert canonical_of("EMAIL", f"bob@{label}.de") == f"bob@{label}.de"
