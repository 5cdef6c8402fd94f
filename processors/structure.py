"""JSON taken apart into its texts, each with its place in the original: only there it is changed, the rest stays as it is."""

import json
import re
from collections.abc import Callable
from typing import Final

import orjson

from . import key_words as words
from .key_rules import KeyRule, rule_of
from .normalise import Escapes, json_escapes, json_unescaped

MAX_DEPTH: Final = 3
"""How deep JSON inside of JSON strings is taken apart; deeper it is searched as text."""

# A string that does not end goes to the end of the text: from each of its quotation marks all would be read again.
_TOKEN: Final = re.compile(r'"([^"\\]*(?:\\(?:.|\Z)[^"\\]*)*)(?:"|\Z)|([{}\[\],:])|([^\s{}\[\],:"]+)', re.DOTALL)
_JSON_START: Final = re.compile(r'\s*(?:\{\s*["}]|\[\s*["\[{\]\dtfn-]|")')
_read: Final[Callable[[str], tuple[str, int]]] = json.JSONDecoder(strict=False).raw_decode
_STARTS: Final = frozenset('{["')
_CLOSING: Final = {"{": "}", "[": "]", '"': '"'}
_BLANKS: Final = " \t\n\r"
_MOST_BLANKS: Final = 64
FEWEST_DEEP: Final = 500
"""Characters of JSON that one reader may find too deep, or a number in it too long, and the other not."""
_OPTION: Final = re.compile("--?[A-Za-z][0-9A-Za-z_-]{1,63}")
_NAME: Final = re.compile(r"[\w .\-]{1,64}")
LONG_INTEGER: Final = re.compile(r"-?\d{12,}")
"""A number that may be a card's."""
# In JSON Schema, and in descriptions of tools, a key like `password` describes an argument; it has no value.
_SCHEMA: Final = re.compile(
    r'\{[^{}]{0,400}?"(?:type"\s*:\s*"(?:string|integer|number|boolean|array|object|null)"|(?:anyOf|oneOf|allOf)"\s*:\s*\[|\$ref"\s*:)'
)


class Leaf:
    """One text or number of a document.

    `start` is where it begins in the text that it stands in: for a string, after the quote. `parent` is the string whose text
    it stands in, None for the document itself; `key` the one that it is the value of, or an element of the value, empty
    without one; `rule` what that says about it; `literal` a string as it is written, when that differs from its text;
    `owner`, for a key, the number of the object that it is a key of.
    """

    __slots__ = ("_escapes", "key", "literal", "number", "owner", "parent", "rule", "start", "text")

    def __init__(
        self,
        text: str,
        start: int,
        parent: "Leaf | None",
        key: str = "",
        rule: KeyRule | None = None,
        literal: str = "",
        *,
        number: bool = False,
    ) -> None:
        self.text = text
        self.start = start
        self.parent = parent
        self.key = key
        self.rule = rule
        self.literal = literal
        self.owner = -1
        self.number = number
        self._escapes: Escapes | None = None

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return where the span [start, end) of the text is in the document."""
        if self.literal:
            if self._escapes is None:
                self._escapes = json_escapes(self.literal)
            start, end = self._escapes.source(start, end)
        start, end = start + self.start, end + self.start
        return self.parent.source(start, end) if self.parent else (start, end)

    def quote(self) -> str:
        """Return the quotation mark as it must be written where this leaf stands."""
        mark, parent = '"', self.parent
        while parent is not None:
            mark, parent = json.dumps(mark)[1:-1], parent.parent
        return mark


def might_be_json(text: str) -> bool:
    """Tell whether the text begins as JSON that has parts does, or with so many blanks that nobody knows.

    What somebody says begins so too: with a quotation mark, and has more of them.
    """
    first = text[:1] if text[:1] in _STARTS else text[:_MOST_BLANKS].lstrip()[:1]
    if first == '"' and "\\" not in text:
        return text.count('"') == 2 and text.rstrip()[-1] == '"'
    return first in _STARTS or (not first and len(text) > _MOST_BLANKS)


def is_json(text: str) -> bool:
    """Tell whether the text is JSON that has parts: an object, an array, or a string."""
    if not has_ends_of_json(text):
        return False
    if len(text) < FEWEST_DEEP and is_valid(text):
        return True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def is_valid(text: str) -> bool:
    """Tell whether a text is JSON, as strictly as the standard (RFC 8259) has it."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def has_ends_of_json(text: str) -> bool:
    """Tell whether the last character closes what the first one opens: of what was cut off nothing need be read to know."""
    if not _JSON_START.match(text):
        return False
    whole = text.strip(_BLANKS)
    return whole[-1] == _CLOSING.get(whole[0])


def looks_like_json(text: str) -> bool:
    """Tell whether the text begins like JSON, though it may be cut off."""
    return _JSON_START.match(text) is not None and text.lstrip()[:1] in "{["


def leaves(text: str, parent: Leaf | None = None) -> list[Leaf]:
    """Return the keys, strings and telling numbers of JSON, in order; JSON in strings is taken apart in turn.

    `parent` is the leaf whose text it is, if any.
    """
    found: list[Leaf] = []
    _Walker(found).walk(text, parent, "", None, 0)
    return found


class _Frame:
    """A container that is open. `rule` is what applies to the values in it, by its own key or one further out.

    `calls_itself` is the value of its member `name`, which says what its member `value` is; `before` the element before.
    """

    __slots__ = (
        "before",
        "calls_itself",
        "expects_key",
        "is_object",
        "is_schema",
        "key",
        "member",
        "member_rule",
        "number",
        "rule",
    )

    def __init__(
        self, key: str, rule: KeyRule | None, number: int, *, is_object: bool = False, is_schema: bool = False
    ) -> None:
        self.is_object = is_object
        self.key = key
        self.rule = rule
        self.number = number
        self.is_schema = is_schema
        self.expects_key = is_object
        self.member = ""
        self.member_rule: KeyRule | None = None
        self.calls_itself = ""
        self.before = ""


class _Walker:
    """Goes through the tokens of a text; it need not be valid JSON, but then not all of it is found."""

    def __init__(self, found: list[Leaf]) -> None:
        self._found = found
        self._objects = 0

    def walk(self, text: str, parent: Leaf | None, key: str, rule: KeyRule | None, depth: int) -> None:
        frames: list[_Frame] = []
        frame = _Frame(key, rule, -1)
        for match in _TOKEN.finditer(text):
            kind = match.lastindex or 0
            found = match[kind]
            if kind == 1:
                self._string(frame, Leaf(found, match.start(1), parent), depth)
            elif kind == 3:
                self._scalar(frame, Leaf(found, match.start(3), parent, number=True))
            elif found in "{[":
                frames.append(frame)
                frame = self._open(text, match.start(), frame)
            elif found == ",":
                frame.expects_key = frame.is_object
            elif found in "}]" and frames:
                frame = frames.pop()

    def _open(self, text: str, at: int, outer: _Frame) -> _Frame:
        self._objects += 1
        key, rule = _context(outer)
        if text[at] == "[":
            return _Frame(key, rule, self._objects)
        inherited = None if rule is None or rule.vague else rule
        is_schema = inherited is not None and _SCHEMA.match(text, at) is not None
        return _Frame(key, inherited, self._objects, is_object=True, is_schema=is_schema)

    def _string(self, frame: _Frame, leaf: Leaf, depth: int) -> None:
        if "\\" in leaf.text:
            leaf.literal = leaf.text
            leaf.text = _unescaped(leaf.literal)
        if frame.expects_key:
            self._member(frame, leaf)
            return
        leaf.key, leaf.rule = _context(frame)
        if not frame.is_object:
            leaf.rule = leaf.rule or (None if leaf.text[:1] == "-" else rule_of_option(frame.before))
            frame.before = leaf.text
        if frame.is_object and frame.member.lower() in words.NAMES:
            frame.calls_itself = leaf.text if _NAME.fullmatch(leaf.text) else ""
        if depth < MAX_DEPTH and is_json(leaf.text):
            self.walk(leaf.text, leaf, leaf.key, leaf.rule, depth + 1)
        else:
            self._found.append(leaf)

    def _member(self, frame: _Frame, leaf: Leaf) -> None:
        """Take the key of an object's next member."""
        leaf.owner = frame.number
        self._found.append(leaf)
        frame.expects_key = False
        frame.member = leaf.text
        lowered = leaf.text.lower()
        frame.member_rule = rule_of(leaf.text)
        if frame.member_rule is None and frame.rule is not None:
            passed_on = lowered in words.SCHEMA_VALUES if frame.is_schema else lowered not in words.META
            frame.member_rule = frame.rule if passed_on else None
        if frame.member_rule is None and frame.calls_itself and lowered in words.NAMED_VALUES:
            frame.member_rule = rule_of(frame.calls_itself)

    def _scalar(self, frame: _Frame, leaf: Leaf) -> None:
        leaf.key, leaf.rule = _context(frame)
        if leaf.text[:1] in "-0123456789" and (leaf.rule is not None or LONG_INTEGER.fullmatch(leaf.text)):
            self._found.append(leaf)


def rule_of_option(text: str) -> KeyRule | None:
    """Return what an option of a program says of the argument behind it in a list, if that is a secret."""
    rule = rule_of(text) if text[:1] == "-" and _OPTION.fullmatch(text) else None
    return rule if rule is not None and rule.type == "SECRET" else None


def _unescaped(literal: str) -> str:
    try:
        text, end = _read(f'"{literal}"')
    except ValueError:  # the text is not JSON after all: its odd escapes stay
        end, text = 0, ""
    return text if end == len(literal) + 2 else json_unescaped(literal).text


def _context(frame: _Frame) -> tuple[str, KeyRule | None]:
    """Return the key that a value in this container belongs to, and what it says."""
    return (frame.member, frame.member_rule) if frame.is_object else (frame.key, frame.rule)
