"""Detectors of payment cards and bank accounts: checksums tell them, and words around them tell what is mistyped or unusual."""

import re
import string
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from .detector import ALPHANUMERIC, IN_WORDS, NOTHING, Candidate, Detector, Rank, Span, whole
from .engine import says
from .validators import (
    CARD_LENGTHS,
    IBAN_LENGTHS,
    all_alike,
    base58_checked,
    bech32,
    card_certain,
    card_range,
    digits_of,
    iban,
    luhn,
    machine_made,
)

_says_card = says(
    r"(?i)card|visa|master|amex|american express|discover|diners|jcb|maestro|union ?pay|rupay|\bcc\b|\bpan\b"
    r"|credit|debit|payment|\bpaid\b|\bcharged?\b|billing|refund|checkout|expir|\bcv[vc]\d?\b"
    "|karte|tarjeta|carte|carta|cart[aã]o|kaart|kort|карт|卡|カード|카드"
)
_says_bank = says("(?i)iban|bank|account|konto|cuenta|compte|conto|rekening|konta|wire|transfer|sepa|swift|\\bbic\\b")
_CARD_SHAPES: Final = frozenset(((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 5), (6, 10), (8, 8)))
"""How cards are written, digits a group."""
_FOURS: Final = (4, 4, 4, 4)
_FOUR_FOURS: Final = bytes(_FOURS)
_FEWEST_KINDS: Final = 4
"""Kinds of digits of an address; fewer are filling."""
_SHAPES: Final = re.compile(rb"(?=\x04{4}|\x04\x06[\x04\x05]|\x04\x04\x05|\x06\x0a|\x08\x08|[\x0c-\x14])")
"""Where they are written so, in the numbers of digits of groups."""
_FEWEST_IN_GROUP: Final = 3
"""Digits of a group, where groups are not as on cards."""
_LUHN_OF_FOUR: Final = {
    f"{number:04}": sum(int(digit) for digit in f"{number // 1000 * 2}{number // 100 % 10}{number // 10 % 10 * 2}{number % 10}")
    for number in range(10_000)
}
"""What four digits add to the sum of Luhn's digit, where a multiple of four follows."""
_MOST_GROUPS: Final = 8
_SHORTEST, _LONGEST = 12, 19
"""Digits of a card (ISO/IEC 7812)."""
_FEWEST_CERTAIN: Final = 14
"""Digits of the shortest card that needs no word before it."""
_PART_OF_MORE: Final = re.compile(rf"(?:[{ALPHANUMERIC}]_?|\d\.|(?<![\d,])0,)\Z")
_IN_WORD: Final = re.compile(f"[{IN_WORDS}]")
_FIRST_OF_GROUPS: Final = re.compile(r"\d{1,3} (?=\d{4})")
"""The end of another word: field1 4111 1111 1111 1111."""
_TAIL: Final = re.compile(r"\w-\Z")
_VALID_UNTIL: Final = re.compile(r"[\s,;(]{1,3}(?:exp|valid|cv[vc]|gültig|(?:0\d|1[0-2])/\d\d\b)", re.IGNORECASE)
_AND_ON: Final = re.compile(r"[0-9A-Za-z_]|([ .,/\n\r-]{1,3})\d{4}")
_GOES_ON: Final = re.compile(r"_?[0-9A-Za-z]|\.\d")
_HEX: Final = "0123456789ABCDEF"
_HEX_BEFORE: Final = re.compile(r"(?=[0-9\s]*[A-F])(?:[0-9A-F]{4}\s){2}\Z")
_HEX_AFTER: Final = re.compile(r"(?=[0-9\s]{0,64}[A-F])(?:\s[0-9A-F]{4}){2}\b")
_GAP: Final = r"(?:[ ./_\n-]|\r\n| - |  )"
_USUAL: Final = re.compile(r"\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}")
_BETWEEN: Final = re.compile(r"\D+")
_SEPARATORS: Final = re.compile("[ .\r\n-]+")
_UNUSUAL: Final = re.compile("[.\r\n]")
_IBAN_BEGIN: Final = re.compile(rf"[A-Za-z]{{2}}(?=\d\d)(?<![{IN_WORDS}][A-Za-z]{{2}})", re.ASCII)
_SEPARATE: Final = frozenset(" .\r\n-")
_ALPHANUMERIC: Final = frozenset(string.ascii_letters + string.digits)


class _CardReader:
    """Reads cards from a run of digit groups."""

    def __init__(self, candidate: Candidate, digits: str) -> None:
        self._candidate = candidate
        self._digits = digits
        groups = candidate.value.replace("-", " ").split(" ")
        self._lengths = tuple(map(len, groups))
        self._totals = [*accumulate(self._lengths, initial=0)]
        self._first = candidate.start
        self._card_is_said: bool | None = None
        self._shape = b""
        self._sums: list[int] = []
        """What the groups of four digits add to Luhn's sum, up to each."""

    def _says_card(self) -> bool:
        if self._card_is_said is None:
            self._card_is_said = _says_card_around(self._candidate)
        return self._card_is_said

    def _is_tail(self) -> bool:
        return _TAIL.search(self._candidate.text, max(0, self._candidate.start - 2), self._candidate.start) is not None

    def cards(self) -> Iterator[Span]:
        """Yield all that a network issues and Luhn confirms; unusual ones need a word that says card."""
        first, groups = 0, len(self._lengths)
        while self._totals[groups] - self._totals[first] >= _SHORTEST:
            if first >= _MOST_GROUPS:
                first = self._next_shape(first)
                if first == groups:
                    return
            count = self._groups_of_card(first)
            if count:
                yield Span(self._start_of(first), self._end_of(first + count - 1))
            first += max(count, 1)

    def _start_of(self, group: int) -> int:
        return self._first + self._totals[group] + group  # a separator stands before each of them

    def _end_of(self, group: int) -> int:
        return self._start_of(group) + self._lengths[group]

    def _next_shape(self, first: int) -> int:
        """Return where groups as cards have begin next: where words are too far before to say card, there must be some."""
        if not self._shape:
            self._shape = bytes([min(length, _LONGEST + 1) for length in self._lengths])
            text, starts = self._candidate.text, map(self._start_of, range(len(self._lengths)))
            sums = [_LUHN_OF_FOUR[text[at : at + 4]] if size == 4 else 0 for at, size in zip(starts, self._shape, strict=True)]
            self._sums = [*accumulate(sums, initial=0)]
        for found in _SHAPES.finditer(self._shape, first):
            first = found.start()
            is_four = self._shape.startswith(_FOUR_FOURS, first) and self._shape[first + 4 : first + 5] != b"\x03"
            if not is_four or (self._sums[first + 4] - self._sums[first]) % 10 == 0:
                return first
        return len(self._lengths)

    def _groups_of_card(self, first: int) -> int:
        """Return how many groups from this one on are a card's number; 0 when none are."""
        before = self._totals[first]
        issued = CARD_LENGTHS.get(self._digits[before : before + 4])
        if issued is None:
            return 0
        # From the last group that can belong to it to the first that can end it.
        for last in range(bisect_right(self._totals, before + _LONGEST) - 1, first, -1):
            length = self._totals[last] - before
            if length < _SHORTEST:
                break
            if length in issued and self._is_card(self._digits[before : before + length], first, last):
                return last - first
        return 0

    def _is_card(self, digits: str, first: int, last: int) -> bool:
        lengths = self._lengths[first:last]
        usual = len(lengths) == 1 or lengths in _CARD_SHAPES
        if not usual and (len(lengths) > _MOST_GROUPS or min(lengths) < _FEWEST_IN_GROUP):
            return False
        checked, certain = luhn(digits), card_certain(digits)
        if not checked and not (usual and certain):
            return False
        needs_word = not usual or not checked or not (certain or lengths[:4] == _FOURS) or self._is_tail()
        return (
            not (needs_word and (first >= _MOST_GROUPS or not self._says_card()))
            and not all_alike(digits)
            and not _GOES_ON.match(self._candidate.text, self._end_of(last - 1))
            and not (len(lengths) > 1 and _in_dump(self._candidate.text, self._start_of(first), self._end_of(last - 1)))
        )


def _in_dump(text: str, start: int, end: int) -> bool:
    """Tell whether four-digit groups are some of many, in hexadecimal."""
    if _HEX_AFTER.match(text, end):
        return True
    return start > 1 and text[start - 2] in _HEX and _HEX_BEFORE.search(text, max(0, start - 10), start) is not None


def _card(candidate: Candidate) -> Iterable[Span]:
    text, start, end = candidate.text, candidate.start, candidate.end
    before = text[start - 1] if start else ""
    if before not in ("", " ") and _PART_OF_MORE.search(text, max(0, start - 2), start):
        first = _FIRST_OF_GROUPS.match(text, start, end)
        if first is None:
            return NOTHING
        candidate.start = start = first.end()
        before = " "
    digits = text[start:end].replace(" ", "").replace("-", "")
    if end - start < _LONGEST and len(digits) < _FEWEST_CERTAIN:
        says_card = _may_be_short(digits) and _says_card_around(candidate)
        return [*_CardReader(candidate, digits).cards()] if says_card else NOTHING
    # The most are written as one group, or as four of four: no other reading is needed, or only where a word says card.
    if before != "-" and card_range(digits) and card_certain(digits) and _USUAL.fullmatch(text, start, end):
        if luhn(digits) and not all_alike(digits):
            return NOTHING if _GOES_ON.match(text, end) or _in_dump(text, start, end) else (Span(start, end),)
        if not _says_card_around(candidate):
            return NOTHING
    return [*_CardReader(candidate, digits).cards()]


def _says_card_around(candidate: Candidate) -> bool:
    return _says_card(candidate.before(48)) or _VALID_UNTIL.match(candidate.after(12)) is not None


def _may_be_short(digits: str) -> bool:
    """Tell whether a network issues any number that these twelve or thirteen digits hold."""
    lengths = CARD_LENGTHS.get(digits[:4], ())
    if len(digits) in lengths:
        return True
    return len(digits) > _SHORTEST and (_SHORTEST in lengths or card_range(digits[1:]))


def _iban(candidate: Candidate) -> Iterable[Span]:
    """Take the first account in a run of letters and digits; it may begin at any word, and go on behind the run."""
    for begin in _IBAN_BEGIN.finditer(candidate.text, candidate.start, candidate.end + 3):
        end = _end_of_iban(candidate, begin.start(), begin[0].upper())
        if end:
            return (Span(begin.start(), end),)
    return NOTHING


def _end_of_iban(candidate: Candidate, start: int, country: str) -> int:
    """Return where the account ends that begins here; 0 where none does."""
    length = IBAN_LENGTHS.get(country)
    end = _end_of_characters(candidate.text, start, length) if length else 0
    if not end or _IN_WORD.match(candidate.text, end):
        return 0
    number = candidate.text[start:end]
    compact = number.replace(" ", "")
    if iban((compact if compact.isalnum() else _SEPARATORS.sub("", compact)).upper()):
        return end
    candidate.start = start  # what stands before this one is asked for
    return end if not _UNUSUAL.search(number) and _says_bank(candidate.before(32)) else 0


def _end_of_characters(text: str, start: int, count: int) -> int:
    """Return where so many letters and digits end, with at most one separator between two of them; 0 where there are less."""
    may_separate = False
    for at in range(start, min(start + 3 * count, len(text))):
        char = text[at]
        if char in _ALPHANUMERIC:
            count -= 1
            may_separate = True
            if not count:
                return at + 1
        elif not may_separate or (char == "\r" and text[at + 1 : at + 2] != "\n") or char not in _SEPARATE:
            return 0
        else:
            may_separate = char == "\r"
    return 0


def _base58(candidate: Candidate) -> Iterable[Span]:
    return (Span(candidate.start, candidate.end),) if base58_checked(candidate.value) else NOTHING


def _bech32(candidate: Candidate) -> Iterable[Span]:
    return (Span(candidate.start, candidate.end),) if bech32(candidate.value) else NOTHING


def _ethereum(candidate: Candidate) -> Iterable[Span]:
    return (Span(candidate.start, candidate.end),) if len({*candidate.value[2:]}) > _FEWEST_KINDS else NOTHING


def _wallet(candidate: Candidate) -> Iterable[Span]:
    return whole(candidate) if machine_made(candidate.value.removeprefix("bitcoincash:")) else NOTHING


def _spread(candidate: Candidate) -> Iterable[Span]:
    """Take a card whose groups stand further apart, all in the same way but for one line break."""
    text, start, end = candidate.text, candidate.start, candidate.end
    value, goes_on = text[start:end], _AND_ON.match(text, end)
    if start and _PART_OF_MORE.search(text, max(0, start - 2), start):
        return NOTHING
    between = _BETWEEN.findall(value)
    if goes_on and (goes_on[1] is None or goes_on[1] in between):
        return NOTHING
    digits = digits_of(value)
    certain = card_range(digits) and (card_certain(digits) or len(digits) == _LONGEST)
    if not certain or not luhn(digits) or all_alike(digits) or _in_dump(text, start, end):
        return NOTHING
    breaks = [separator for separator in between if "\n" in separator]
    alike = len({*between} - {*breaks}) <= 1 and (len(breaks) <= 1 or _says_card(candidate.before(48)))
    return whole(candidate) if alike else NOTHING


FINANCIAL: Final = (
    Detector(
        name="credit_card",
        type="CREDIT_CARD",
        reason="Issued range, length and Luhn's check digit. Timestamps and long ids look alike.",
        pattern=r"\d(?:[ -]?\d){11,}",
        trigger=r"(?:^|[^\w.]|[^\d]\.|(?:^|[^0-9A-Za-z])_)(?:[3-6]\d|2[1-7]|81|180|060|979)(?:[ -]?\d){9}",
        judge=_card,
        rank=Rank.CHECKSUM,
        numeric=True,
        example="paid with 5555 5555 5555 4444",
        counter_example="order 5555 5555 5555 4445 at 1514038620000",
    ),
    Detector(
        name="credit_card_spread",
        type="CREDIT_CARD",
        reason="The same in groups with dots, slashes, wide gaps or a line break between them.",
        pattern=(rf"\d{{4}}{_GAP}(?:\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}(?:{_GAP}\d{{3}}\b)?|\d{{6}}{_GAP}\d{{4,5}})"),
        trigger=(
            rf"\d{{4}}(?:[./_\n]|\r\n| [ -] ?)(?:\d{{4}}{_GAP}\d{{4}}|\d{{6}}{_GAP}\d{{4}})"
            r"|\d{4}[ -]\d{4,6}(?:\r?\n)\d{4}|\d{4}[ -]\d{4}[ -]\d{4}(?:\r?\n)\d{4}"
        ),
        judge=_spread,
        rank=Rank.CHECKSUM,
        numeric=True,
        retry=True,
        example="paid with 5555.5555.5555.4444",
        counter_example="rows 5555 - 5555 - 5555 - 4445, years 2221\n2222\n2223\n2224",
    ),
    Detector(
        name="iban",
        type="IBAN",
        reason="The country's length, then mod 97; a word that says bank makes up for a mistyped digit.",
        pattern=rf"(?i:{'|'.join(sorted(IBAN_LENGTHS))})\d{{2}}(?:(?:[ .\n-]|\r\n)?[0-9A-Za-z]){{11,30}}",
        trigger=r"(?:^|[^0-9A-Za-z_])[A-Za-z]{2}\d{2}(?:(?:[ .\n-]|\r\n)?[0-9A-Za-z]){4}",
        judge=_iban,
        rank=Rank.CHECKSUM,
        example="to DE89 3704 0044 0532 0130 00 please",
        counter_example="part DE89 3704 0044 0532 0130 01",
    ),
    Detector(
        name="wallet_base58",
        type="CRYPTO_WALLET",
        reason="Bitcoin, Litecoin, Dogecoin, Tron: base58 with a checksum of four bytes.",
        pattern=r"(?:^|[^0-9A-Za-z_])([123mnLMDTA9][1-9A-HJ-NP-Za-km-z]{25,34})(?:[^0-9A-Za-z_]|$)",
        trigger=r"(?:^|[^0-9A-Za-z_])[123mnLMDTA9][1-9A-HJ-NP-Za-km-z]{16}",
        judge=_base58,
        rank=Rank.CHECKSUM,
        example="pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa now",
        counter_example="id 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    ),
    Detector(
        name="wallet_bech32",
        type="CRYPTO_WALLET",
        reason="Bitcoin and Litecoin since 2017: bech32 with a checksum (BIP 173, BIP 350).",
        pattern=r"(?i)(?:^|[^0-9A-Za-z_])((?:bc|tb|ltc|addr|stake|cosmos|osmo|terra|inj)1[02-9ac-hj-np-z]{8,110})(?:[^0-9A-Za-z_]|$)",
        parts="[^0-9A-Za-z_]?([0-9A-Za-z]+)",
        trigger=r"(?i)(?:bc|tb|ltc|addr|stake|cosmos|osmo|terra|inj)1[02-9ac-hj-np-z]{8}",
        judge=_bech32,
        rank=Rank.CHECKSUM,
        example="pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 now",
        counter_example="id bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    ),
    Detector(
        name="wallet_named",
        type="CRYPTO_WALLET",
        reason="Wallets whose form says little, after a word that says wallet: Solana, XRP, TON, Bitcoin Cash.",
        pattern=(
            r"(?i)(?:wallet|solana|phantom|\bxrp\b|ripple|\bton\b|\bsol\b)[^0-9A-Za-z\x00\[\]][^\d\x00\[\]]{0,16}?"
            r"(?-i:([1-9A-HJ-NP-Za-km-z]{32,44}|r[1-9A-HJ-NP-Za-km-z]{24,34}|[EUk]Q[\w-]{46}))\b|(bitcoincash:[qp][0-9a-z]{41})\b"
        ),
        trigger=(
            r"(?i)(?:wallet|solana|phantom|xrp|ripple|\bton\b|\bsol\b)[^0-9A-Za-z\x00\[][^\d\x00\[]*[0-9A-Za-z_-]{24}|bitcoincash:[qp][0-9a-z]{20}"
        ),
        judge=_wallet,
        rank=Rank.CONTEXT,
        example="solana wallet 7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV",
        counter_example="wallet internationalization and more",
    ),
    Detector(
        name="wallet_ethereum",
        type="CRYPTO_WALLET",
        reason="Ethereum and its kin: 0x and forty hexadecimal digits. Hashes are longer, other numbers shorter.",
        pattern=r"(?:^|[^0-9A-Za-z_])(0x[0-9A-Fa-f]{40})(?:[^0-9A-Za-z_]|$)",
        trigger=r"0x[0-9A-Fa-f]{16}",
        judge=_ethereum,
        rank=Rank.EXACT,
        example="to 0x52908400098527886E0F7030069857D2E4169EE7",
        counter_example="at 0x7f3def85ea00 and 0x0000000000000000000000000000000000000000",
    ),
    Detector(
        name="wallet_monero",
        type="CRYPTO_WALLET",
        reason="Monero: 95 characters of base58, the first 4 or 8.",
        pattern=r"(?:^|[^0-9A-Za-z_])([48][0-9AB][1-9A-HJ-NP-Za-km-z]{93})(?:[^0-9A-Za-z_]|$)",
        trigger=r"(?:^|[^0-9A-Za-z_])[48][0-9AB][1-9A-HJ-NP-Za-km-z]{16}",
        judge=whole,
        rank=Rank.EXACT,
        example=f"to 48{'a1B2c3D4e5F6g7H8i9J' * 5}"[:98],
        counter_example="sum 48a1B2c3D4e5F6g7H8i9J0",
    ),
)
"""Detectors of payment cards and bank accounts."""
