"""The texts of a JSON document in order: cut out at its quotation marks where that is enough, else by a walk through it."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, Protocol, TypeVar

import orjson

from . import key_words as words
from .detector import SEPARATOR
from .key_rules import number_hit, rule_of
from .structure import (
    FEWEST_DEEP,
    LONG_INTEGER,
    MAX_DEPTH,
    Leaf,
    has_ends_of_json,
    is_json,
    is_valid,
    leaves,
    looks_like_json,
    might_be_json,
    rule_of_option,
)

_JSON_STARTS: Final = frozenset('{[" \t\n\r')
_END_OF_KEY: Final = re.compile(r'[^"]*"\s*:')
_NO_BRACKETS: Final = bytes({*range(256)} - {*b"[]{}"})
_CLOSING: Final = str.maketrans("[{", "]}")
_BEGUN_ESCAPE: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_BEGUN_WORD: Final = re.compile(r"(?<![\w.+-])(?:tr?u?|fa?l?s?|nu?l?|-?\d?\.?)\Z")
_BETWEEN_DOCUMENTS: Final = re.compile(r"([}\]])[ \t\r\n]*(?=[{\[])")
_DEEPEST_CLOSED: Final = 64
"""Of what is nested deeper, brackets are not counted."""
_REMEMBERED: Final = 4096
_LONG: Final = 10**11
"""The least number of twelve digits, as a card's may have."""
_DEEPEST: Final = 64
"""Of what is nested deeper, texts are not taken down."""
_LONGEST_REMEMBERED: Final = 1024
"""Characters of keys that are, of one document."""
_silent: Final[set[tuple[str, ...]]] = set()

_T = TypeVar("_T")


class Texts(Protocol):
    """The texts of a document."""

    @property
    def texts(self) -> Sequence[str]:
        """Every text, keys included; JSON in strings is taken apart in turn."""

    @property
    def judged(self) -> Sequence[int]:
        """The numbers of those that their key or their form says something about."""

    @property
    def leaves(self) -> Sequence[Leaf]:
        """Each with its place and what its key says."""

    def leaf(self, number: int) -> Leaf:
        """Return one of them; what its key says is left out where it says nothing."""

    def key(self, number: int) -> str:
        """Return the key that a text is the value of, or an element of the value; empty without one."""


class Walked:
    """The texts of a document that need not be valid JSON, by its leaves."""

    def __init__(self, found: list[Leaf]) -> None:
        self.leaves = found
        # What a number is, itself and its key say.
        self.texts = ["" if leaf.number else leaf.text for leaf in self.leaves]
        self.judged = [number for number, leaf in enumerate(self.leaves) if leaf.number or leaf.rule is not None]

    def leaf(self, number: int) -> Leaf:
        """Return one of the leaves."""
        return self.leaves[number]

    def key(self, number: int) -> str:
        """Return the key of a leaf."""
        return self.leaves[number].key


class Several(Walked):
    """The texts of several documents, each as far behind the one before as if a character stood between them.

    What is no JSON is one text; what only looks like JSON is that, and taken apart besides.
    """

    def __init__(self, documents: Sequence[str]) -> None:
        self.starts = starts_of(documents)
        """Where each of them begins, and where the next one would."""
        super().__init__([leaf for pair in zip(documents, self.starts, strict=False) for leaf in _leaves_at(*pair)])


def starts_of(texts: Sequence[str]) -> list[int]:
    """Return where each of several texts begins, and where the next one would, with a character between them."""
    return [*accumulate([len(text) + 1 for text in texts], initial=0)]


def _leaves_at(document: str, start: int) -> list[Leaf]:
    whole = Leaf(document, start, None)
    if not might_be_json(document):
        return [whole]
    if is_json(document):
        return leaves(document, whole)
    if not looks_like_json(document):
        return [whole]
    return leaves(document, whole) if closed(document) is not None else [whole, *leaves(document, whole)]


class Cut:
    """The texts of valid JSON in which no key says what its value is. A walk takes 27 µs where this takes 7."""

    judged: Sequence[int] = ()

    def __init__(self, document: str, parts: list[str], literals: list[str], texts: list[str]) -> None:
        self.texts = texts
        self.is_as_written = literals is texts
        """Whether every text stands in the document as it is, without escapes."""
        self._document = document
        self._parts = parts
        self._literals = literals
        self._strings = texts
        self._inner: Sequence[Cut | None] = ()
        self._first: Sequence[int] = ()
        self._leaves: Sequence[Leaf] | None = None
        self._starts: Sequence[int] | None = None
        self._keys: Sequence[str] | None = None

    def take_apart(self, inner: "Sequence[Cut | None]") -> None:
        """Put the texts of those strings that are JSON themselves in their place."""
        found = [[text] if one is None else one.texts for text, one in zip(self._strings, inner, strict=True)]
        self._first = [*accumulate(map(len, found), initial=0)]
        self._inner = inner
        self.texts = [text for texts in found for text in texts]
        self.is_as_written = False

    def in_place(self) -> str:
        """Return the document with NULs for all that is not text: what is found in it is at the same place in the document."""
        parts = self._parts.copy()
        parts[::2] = ["\0" * len(gap) for gap in parts[::2]]
        return "\0".join(parts)

    @property
    def starts(self) -> Sequence[int]:
        """Where in the document each string begins."""
        if self._starts is None:
            self._starts = starts_of(self._parts)[1::2]
        return self._starts

    def number_at(self, position: int) -> int:
        """Return the number of the string that stands at a place of the document."""
        return bisect_right(self.starts, position) - 1

    def is_in_key(self, position: int) -> bool:
        """Tell whether the text that goes on or ends at a place of the document is a key."""
        return _END_OF_KEY.match(self._document, position) is not None

    @property
    def leaves(self) -> Sequence[Leaf]:
        """All of them, with their keys: for this the document is walked through."""
        if self._leaves is None:
            self._leaves = [leaf for leaf in leaves(self._document) if not leaf.number]
        return self._leaves

    def leaf(self, number: int) -> Leaf:
        """Return a leaf; a value's comes without its key."""
        return self.leaves[number] if self._is_key(number) else self._value(number)

    def _string_of(self, number: int) -> int:
        """Return the number of the string that a text stands in."""
        return bisect_right(self._first, number) - 1 if self._inner else number

    def _is_key(self, number: int) -> bool:
        string = self._string_of(number)
        inner = self._inner[string] if self._inner else None
        return ":" in self._parts[2 * string + 2] if inner is None else inner._is_key(number - self._first[string])  # noqa: SLF001 - it is one too

    def _value(self, number: int, parent: Leaf | None = None) -> Leaf:
        string = self._string_of(number)
        literal = self._literals[string]
        leaf = Leaf(self._strings[string], self.starts[string], parent, literal=literal if "\\" in literal else "")
        inner = self._inner[string] if self._inner else None
        return leaf if inner is None else inner._value(number - self._first[string], leaf)  # noqa: SLF001 - it is one too

    def key(self, number: int) -> str:
        """Return the key of a text."""
        if self._keys is None:
            self._keys = self._keys_below("")
        return self._keys[number]

    def _keys_below(self, key: str) -> list[str]:
        """Return the key of each text, in a document that is the value of a key itself."""
        keys: list[str] = []
        around: list[str] = []
        for number, text in enumerate(self._strings):
            for char in self._parts[2 * number]:
                if char in "[{":
                    around.append(key)
                elif char in "]}":
                    key = around.pop()
            inner = self._inner[number] if self._inner else None
            if ":" in self._parts[2 * number + 2]:
                key = text
                keys.append("")
            elif inner is None:
                keys.append(key)
            else:
                keys += inner._keys_below(key)  # noqa: SLF001 - it is one too
        return keys


def cut(document: str, depth: int = 0) -> Cut | None:
    """Return the texts of valid JSON; None when only a walk can tell them and what is said about them."""
    if document[:1] == '"' and "\\" not in document and document[-1] == '"' and document[1:2] not in _JSON_STARTS:
        texts = [document[1:-1]]  # valid, it is one string
        return Cut(document, ["", texts[0], ""], texts, texts)
    parts, literals = _divided(document)
    if _has_card("".join(parts[::2])):
        return None
    # One call for all of them: each on its own would take ten times as long.
    texts = orjson.loads('["' + '","'.join(literals) + '"]') if "\\" in document else literals
    if _keys_say_something(texts, parts):
        return None
    found = Cut(document, parts, literals, texts)
    if depth == MAX_DEPTH or _JSON_STARTS.isdisjoint([text[:1] for text in texts]):
        return found
    return _cut_within(found, parts, texts, depth)


def _cut_within(found: Cut, parts: list[str], texts: list[str], depth: int) -> Cut | None:
    """Take the strings apart that are JSON themselves."""
    within: list[Cut | None] = []
    for text, gap in zip(texts, parts[2::2], strict=True):
        if text[:1] not in _JSON_STARTS or ":" in gap or not has_ends_of_json(text):
            within.append(None)
        elif is_valid(text) and (len(text) < FEWEST_DEEP or is_json(text)):
            inner = cut(text, depth + 1)
            if inner is None:
                return None
            within.append(inner)
        elif is_json(text):
            return None
        else:
            within.append(None)
    if any(within):
        found.take_apart(within)
    return found


def closed(text: str) -> str | None:
    """Return JSON that ends too early with what closes it; None for what is none besides, or nested too deep.

    What it ends within, an escape or a word, is left out: all that is there stands where it stood.
    """
    parts = text.replace("\\\\", "\0\0").replace('\\"', "\0\0").split('"')
    brackets = "".join(parts[::2]).encode("ascii", "ignore").translate(None, _NO_BRACKETS).decode()
    for _ in range(_DEEPEST_CLOSED):
        fewer = brackets.replace("[]", "").replace("{}", "")
        if fewer == brackets:
            break
        brackets = fewer
    if len(parts) % 2 == 0:
        escape = _BEGUN_ESCAPE.search(parts[-1])
        text = text[: len(text) - len(escape[0])] if escape else text
        ended = [f'{text}"', f'{text}":null']  # as a value, and as a key
    else:
        text = text.rstrip().removesuffix(",")
        ended = [text, f"{text}:null", f"{_BEGUN_WORD.sub('', text)}null"]
    closing = brackets[::-1].translate(_CLOSING)
    return next((whole for end in ended if is_valid(whole := end + closing)), None)


def are_several(text: str) -> bool:
    """Tell whether a text is several documents of JSON, lines or one behind the other; the last one may end too early."""
    if "\n" in text and closed("[" + ",".join([line for line in text.split("\n") if line.strip()])) is not None:
        return True
    if '"' not in text:
        return False
    parts, literals = _divided(text)
    gaps, count = _BETWEEN_DOCUMENTS.subn(r"\1,", '"'.join(parts[::2]))
    parts[::2], parts[1::2] = gaps.split('"'), literals
    return count > 0 and closed("[" + '"'.join(parts)) is not None


def joined_texts(document: str) -> str | None:
    """Return the texts of valid JSON, NULs between them, where nothing else in it is to be found; else None: `cut` has to tell.

    It takes half the time of that, and of most documents nothing but these is ever asked for.
    """
    texts: list[str] = []
    keys: list[str] = []
    if "\\u0022" in document or not _collect(orjson.loads(document), texts, keys) or not say_nothing(tuple(keys)):
        return None
    if not _JSON_STARTS.isdisjoint([text[:1] for text in texts]) and any(map(has_ends_of_json, texts)):
        return None
    joined = SEPARATOR.join(texts)
    # Of two members with one name the first is not there any more: then quotation marks are left over.
    return joined if document.count('"') == 2 * len(texts) + joined.count('"') else None


def _collect(value: Any, texts: list[str], keys: list[str], depth: int = 0) -> bool:
    """Take down texts, and which of them are keys. False: a number stands there that may be a card's, or it is too deep."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, dict):
        for key, member in value.items():
            keys.append(key)
            texts.append(key)
            if not _collect(member, texts, keys, depth + 1):
                return False
    elif isinstance(value, list):
        for element in value:
            if not _collect(element, texts, keys, depth + 1):
                return False
    return depth < _DEEPEST and not isinstance(value, float) and (not isinstance(value, int) or abs(value) < _LONG)


def _divided(document: str) -> tuple[list[str], list[str]]:
    """Return what stands between the quotation marks of strings, and the strings, every second part, as they are written."""
    if '\\"' not in document:
        parts = document.split('"')
        return parts, parts[1::2]
    parts = document.replace("\\\\", "\0\0").replace('\\"', "\0\0").split('"')
    literals, at = [], 0
    for number, part in enumerate(parts):
        if number % 2:
            literals.append(document[at : at + len(part)])
        at += len(part) + 1
    return parts, literals


def _has_card(gaps: str) -> bool:
    """Tell whether one of the numbers may be a card's."""
    return any(number_hit(number, "", None) for number in LONG_INTEGER.findall(gaps))


def keys_of(document: str) -> tuple[str, ...]:
    """Return the keys of valid JSON without escapes, in order. In JSON a colon stands after a key, and only there."""
    parts = document.split('"')
    return tuple([parts[gap - 1] for gap in range(2, len(parts), 2) if ":" in parts[gap]])


def say_nothing(keys: tuple[str, ...]) -> bool:
    """Tell whether keys of one document say nothing of their values, whatever these are.

    Documents of a kind have the same keys: these are remembered.
    """
    if keys in _silent:
        return True
    if any(map(rule_of, keys)):
        return False
    lowered = {*map(str.lower, keys)}
    silent = lowered.isdisjoint(words.NAMES) or lowered.isdisjoint(words.NAMED_VALUES)
    if silent and sum(map(len, keys)) <= _LONGEST_REMEMBERED:
        remember(_silent, keys)
    return silent


def remember(known: set[_T], what: _T) -> None:
    """Add something to a set that does not grow without end."""
    if len(known) >= _REMEMBERED:
        known.clear()
    known.add(what)


def _keys_say_something(texts: list[str], parts: list[str]) -> bool:
    """Tell whether some key may say what its value is, or an option what comes behind it.

    In JSON a colon stands after a key, and only there.
    """
    keys = tuple([text for text, gap in zip(texts, parts[2::2], strict=True) if ":" in gap])
    if any(map(rule_of_option, texts)):
        return True
    if say_nothing(keys):
        return False
    if any(map(rule_of, keys)):
        return True
    followed = zip(texts, parts[2::2], texts[1:], strict=False)
    return any(":" in gap and key.lower() in words.NAMES and rule_of(value) for key, gap, value in followed)
