"""What a detector is: a pattern that finds candidates, and a judge that decides what of a candidate is to go."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from unicodedata import category

from .engine import says
from .engine_types import Parts
from .findings import LONGEST_PLACEHOLDER, PLACEHOLDER

SEPARATOR: Final = "\0"
"""Stands between the texts of a document while they are searched in one go; nothing found may cross it."""

OTHER: Final = r"\x{80}-\x{10ffff}"
"""Every character that is not ASCII, for RE2 classes: repeated Unicode classes make programs too large for their memory."""

_SPACED_SCRIPTS: Final = (range(0xC0, 0xE00), range(0x1000, 0x2000))
"""Characters of scripts that put spaces between words; in others no word can be cut."""


def _is_in_words(code: int) -> bool:
    char = chr(code)
    return category(char)[0] in "LM" or char.isdecimal()


def _words_class() -> str:
    runs = [[*run] for codes in _SPACED_SCRIPTS for is_in_words, run in groupby(codes, _is_in_words) if is_in_words]
    return "".join([f"{chr(run[0])}-{chr(run[-1])}" for run in runs])


ALPHANUMERIC: Final = f"0-9A-Za-z{_words_class()}"
"""For classes of Python's: letters, their marks and digits; no punctuation of any script."""

IN_WORDS: Final = f"_{ALPHANUMERIC}"
"""For classes of Python's: what words are made of."""

_IN_WORD: Final = re.compile(f"[{IN_WORDS}]")

_NO_PUNCTUATION: Final = r"\x{80}-\x{a0}\x{aa}\x{b5}\x{ba}\x{c0}-\x{200f}\x{2028}-\x{202f}\x{205f}-\x{3000}\x{3012}-\x{10ffff}"
WORD_START: Final = rf"(?:^|[^0-9A-Za-z_{_NO_PUNCTUATION}])"
"""What may stand before a word; RE2's own boundary knows ASCII letters only, and there is no look-behind."""

has_placeholder: Final = says(PLACEHOLDER)
"""Whether one of our own placeholders stands somewhere in a text."""

_PLACEHOLDER: Final = re.compile(PLACEHOLDER)
_AT_PLACEHOLDER: Final = re.compile(rf"{PLACEHOLDER}\Z")
_UP_TO_PLACEHOLDER: Final = re.compile(f".*{PLACEHOLDER}", re.DOTALL)


class Span:
    """A span to redact; the type is the detector's unless given."""

    __slots__ = ("end", "start", "type")

    def __init__(self, start: int, end: int, kind: str = "") -> None:
        self.start = start
        self.end = end
        self.type = kind


class Candidate:
    """What a pattern found, and what stands around it.

    `start` and `end` are the span of the pattern's first group that took part, or of all of the match; `groups` are the spans
    of the match and its groups, (-1, -1) where one took no part. `known` is what judges know of all of it, by their names.
    """

    __slots__ = ("_key_before", "end", "groups", "known", "parts", "start", "text")

    groups: Sequence[tuple[int, int]]
    start: int
    end: int
    known: dict[str, Any]
    parts: Parts | None

    def __init__(self, text: str, key_before: Callable[[int], str]) -> None:
        """Take the text. It is one object for all candidates in it: who has it says where each is, and asks to `narrow` it."""
        self.text = text
        self.known = {}
        self.parts = None
        self._key_before = key_before

    def take_apart(self) -> None:
        """Tell the groups of the match, where its detector is `lazy`."""
        if self.parts is not None and len(self.groups) == 1:
            self.groups = self.parts(self.text, *self.groups[0])

    def narrow(self) -> None:
        """Take the span of the first group that took part."""
        for span in self.groups[1:]:
            if span[0] >= 0:
                self.start, self.end = span
                break

    @property
    def value(self) -> str:
        """The characters of the span."""
        return self.text[self.start : self.end]

    @property
    def previous(self) -> str:
        """The character before the span; empty at the beginning of a text."""
        char = self.text[self.start - 1] if self.start else ""
        return "" if char == SEPARATOR else char

    @property
    def following(self) -> str:
        """The character after the span; empty at the end of a text."""
        char = self.text[self.end : self.end + 1]
        return "" if char == SEPARATOR else char

    @property
    def is_within_word(self) -> bool:
        """Whether a character of a word stands straight before or after the span."""
        text, start = self.text, self.start
        return (start > 0 and _IN_WORD.match(text, start - 1) is not None) or _IN_WORD.match(text, self.end) is not None

    def group(self, number: int) -> str:
        """Return a group of the pattern; empty when it took no part."""
        start, end = self.groups[number]
        return self.text[start:end] if start >= 0 else ""

    @property
    def touches_placeholder(self) -> bool:
        """Whether the span begins or ends at a placeholder: it was a part of something longer before that was redacted."""
        text, start, end = self.text, self.start, self.end
        return (
            start > 0
            and text[start - 1] == "]"
            and _AT_PLACEHOLDER.search(text, max(0, start - LONGEST_PLACEHOLDER), start) is not None
        ) or (text[end : end + 1] == "[" and _PLACEHOLDER.match(text, end) is not None)

    @property
    def follows_placeholder(self) -> bool:
        """Whether the match, not the span, begins at a placeholder: its first word was a part of something longer."""
        start = self.groups[0][0]
        return self.is_behind_placeholder(start + (self.text[start : start + 1] == "]"))  # what must not be a part of a word

    def is_behind_placeholder(self, start: int) -> bool:
        """Whether a placeholder ends at `start`."""
        text = self.text
        if not start or text[start - 1] != "]":
            return False
        return _AT_PLACEHOLDER.search(text, max(0, start - LONGEST_PLACEHOLDER), start) is not None

    def runs_into_placeholder(self, end: int) -> bool:
        """Whether a placeholder stands at `end`: what ends there was a part of something longer."""
        return self.text[end : end + 1] == "[" and _PLACEHOLDER.match(self.text, end) is not None

    def before(self, characters: int) -> str:
        """Return what stands before the span, at most so much; at the beginning of a JSON value that is its key.

        It ends at a placeholder: what is redacted already must not lend its context to something else the second time.
        """
        start = self.start - characters
        if start >= 0 and "]" not in (near := self.text[start : self.start]) and SEPARATOR not in near:
            return near
        start = max(0, start - LONGEST_PLACEHOLDER)
        _, cut, near = self.text[start : self.start].rpartition(SEPARATOR)
        placeholder = _UP_TO_PLACEHOLDER.match(near) if "]" in near else None
        if placeholder:
            return near[placeholder.end() :][-characters:]
        near = near[-characters:]
        return f"{self._key_before(self.start)}: {near}" if (cut or not start) and len(near) < characters else near

    def after(self, characters: int) -> str:
        """Return what stands after the span, at most so much."""
        return self.text[self.end : self.end + characters].partition(SEPARATOR)[0]


Judge = Callable[[Candidate], Iterable[Span] | None]
"""Returns what of a candidate is to go; None when besides nothing else that begins in it can be anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One way to find one type of personal data or secret. Adding one is adding an entry to a table."""

    name: str
    type: str
    reason: str
    """Why it is looked for, or how it is told from what looks alike."""
    pattern: str
    """RE2 syntax: every candidate. No match may cross a NUL."""
    parts: str | None = None
    """RE2 syntax: tells the groups of a match, given where that is; empty: the pattern itself does. RE2 finds a match several
    times as fast when it need not tell its groups. Python reads this: it must not go over the same text again and again."""
    begins: str = ""
    """RE2 syntax: the pattern without the long repeat at its end. RE2 takes tens of milliseconds to build the automaton of one
    whose matches may begin everywhere; so it finds where they begin, and Python reads the rest, by `parts`."""
    lazy: bool = False
    """Whether its judge asks for the groups by itself, by `Candidate.take_apart`: most matches it judges without."""
    trigger: str = ""
    """RE2 syntax, simple, without long repeats: matches in every text in which the pattern does. Empty: the pattern itself."""
    judge: Judge
    carried: Callable[[Candidate], str] | None = None
    """Returns the text that a candidate carries: where something is found in that, all of the candidate goes, and nobody is
    asked to judge it. All texts that are carried in one are searched together."""
    rank: int
    """The lower, the more its type is believed where spans overlap."""
    numeric: bool = False
    """Whether nothing is found where `prefilter.DIGITS` does not match."""
    worded: bool = False
    """Whether a numeric one needs a word too."""
    lines: bool = False
    """Whether nothing is found where no line ends."""
    reach: int = 512
    """How many characters before and behind a match its judge may look at; 0: it is asked of each match, repeated or not."""
    retry: bool = False
    """Whether a rejected candidate may hide another that begins at one of its later words."""
    whole: bool = False
    """Whether a match is judged as a whole: what it has behind its last span is not searched again."""
    example: str
    counter_example: str


NOTHING: Final[tuple[Span, ...]] = ()
"""What a judge returns for a candidate that is none."""


def whole(candidate: Candidate) -> Iterable[Span]:
    """Judge: every candidate is one."""
    return (Span(candidate.start, candidate.end),)


class Rank:
    """How much the type of a detector is believed, best first."""

    KEY: Final = 0
    STRUCTURED_SECRET: Final = 10
    VENDOR_SECRET: Final = 20
    CHECKSUM: Final = 30
    EXACT: Final = 40
    US_SSN: Final = 50
    CONTEXT: Final = 60
    PHONE: Final = 70
    ASSIGNED_SECRET: Final = 80
    CARRIER: Final = 90
    ENTITY: Final = 95
