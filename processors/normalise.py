"""Other views of a text, for what hides in it: odd characters, percent-encoding, escapes. Each knows where it came from."""

import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import cache, lru_cache
from html import unescape as html_unescape
from itertools import accumulate, compress
from operator import add
from typing import Final, NamedTuple

ODD: Final = (
    r"\x{ad}\x{a0}\x{17f}\x{212a}\x{660}-\x{669}\x{6f0}-\x{6f9}\x{966}-\x{96f}\x{9e6}-\x{9ef}\x{e50}-\x{e59}\x{1680}\x{180e}"
    r"\x{2000}-\x{2015}\x{202a}-\x{202f}\x{205f}-\x{2064}\x{2066}-\x{206f}\x{2070}-\x{2089}\x{2212}\x{2460}-\x{249b}"
    r"\x{3000}\x{feff}\x{fe50}-\x{fe6b}\x{ff01}-\x{ff5e}\x{1d400}-\x{1d7ff}\x{1f100}-\x{1f10a}\x{e0000}-\x{e007f}"
)
"""Characters that can hide an ASCII letter or digit, as the inside of an RE2 class: RE2's own classes do not see through."""

_COLOURS: Final = r"\x1b\[[0-9;]*[A-Za-z]"
_RANGE: Final = re.compile(r"\\x\{(\w+)\}(?:-\\x\{(\w+)\})?")
_PERCENT: Final = re.compile(r"%(?:25)*[0-9A-Fa-f]{2}(?:%(?:25)*[0-9A-Fa-f]{2})*")
"""Begins with its sign and no group: Python looks for that alone."""
_ENCODED_BYTE: Final = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_SHORT_ESCAPES: Final = (("\\n", "\n"), ('\\"', '"'), ("\\t", "\t"), ("\\r", "\r"), ("\\/", "/"), ("\\b", "\b"), ("\\f", "\f"))
_JSON_ESCAPE: Final = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL)
_TYPOGRAPHY: Final = (
    *(("\xa0", " "), ("\u2009", " "), ("\u202f", " ")),
    *(("\u2010", "-"), ("\u2011", "-"), ("\u2013", "-"), ("\u2014", "-"), ("\u2212", "-")),
)
"""Blanks, hyphens and dashes that prose is full of, and what `plain` folds each to."""
_ASCII: Final = bytes(range(0x80))
_PLANE: Final = 0x10000
_MOST_REPLACED: Final = 32
"""Characters that are replaced one by one in all of a text; of more there is a table."""
_MOST_TAKEN_OUT: Final = 8
"""Characters that are taken out of a text one by one to see whether there are others: all of them at once are many pieces."""
_MANY_TOGETHER: Final = 8
"""Characters that do not show, one behind another, of which each would be a piece."""
_SHORT_ESCAPE: Final = 2
_ESCAPED: Final = 'bfnrt"\\/'
_FIRST_SURROGATE, _LAST_SURROGATE = chr(0xD800), chr(0xDFFF)
_BLANK: Final = re.compile(r"\s")
_EVERYTHING: Final = 1 << 60
_ESCAPE: Final = re.compile(
    r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|(?:033|e)(?=\[))"
    "|&(?:#\\d{1,7}|#x[0-9A-Fa-f]{1,6}|[a-z]{2,6});"
)
_BEGIN_COLOURS: Final = (r"\e", r"\033")
_NUMBER: Final = r"(?:\d[^\\\s]{5}|(?:[A-Za-z+(:][^\\]*?)?(?:\d[^\\]?\d[^\\]?\d[^\\]?\d|[0-9A-Fa-f]{2}:[0-9A-Fa-f:]{2}))"
"""A number, or a word and a number behind it, as far as the next escape."""
_BREAK: Final = re.compile(rf"\\[ntr](?={_NUMBER})")

ODD_TRIGGER: Final = rf"[{ODD}]|\x1b\["
PERCENT_TRIGGER: Final = "%(?:[2-7][0-9A-Fa-f]|0[9ADad]|[Cc]2%[Aa]|[Ee]2%8)"
"""What is printable, ends of lines, and the blanks and dashes of typesetters."""
ESCAPE_TRIGGER: Final = r"\\u[0-9A-CEFa-cef][0-9A-Fa-f]|\\x(?:[2-7][0-9A-Fa-f]|0[9ADad]|1[Bb])|\\(?:033|e)\[|&(?:#|[a-z]{2,6};)"
BREAK_TRIGGER: Final = rf"\\[ntr]{_NUMBER}"


class View(NamedTuple):
    """A text made from another, and the map back."""

    text: str
    starts: list[int]
    """Where in `text` the map changes."""
    origins: list[int]
    """Where in the source each of these positions is."""
    fixed: list[bool]
    """Whether all of the piece stands for its origin at once: what was decoded cannot be divided."""

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the source that the span [start, end) of `text` stands for."""
        return self._origin(start), self._end(end)

    def is_near(self, start: int, end: int, characters: int) -> bool:
        """Tell whether what was decoded stands in the span [start, end) of `text`, or so near to it."""
        piece = bisect_right(self.starts, start) - 1
        if self.fixed[piece] or (piece and self.fixed[piece - 1] and start - self.starts[piece] <= characters):
            return True
        behind = piece + 1
        return behind < len(self.starts) and self.fixed[behind] and self.starts[behind] - end <= characters

    def _origin(self, at: int) -> int:
        piece = bisect_right(self.starts, at) - 1
        return self.origins[piece] + (0 if self.fixed[piece] else at - self.starts[piece])

    def _end(self, end: int) -> int:
        """Return the end of the character before `end`: a decoded piece counts whole."""
        piece = bisect_right(self.starts, end - 1) - 1
        if self.fixed[piece]:
            return self.origins[piece + 1]
        return self.origins[piece] + end - self.starts[piece]


def without_typography(text: str) -> str:
    """Return the text with the blanks and dashes that typesetters use folded as `plain` does, each to one character."""
    if not text.isascii():
        for char, to in _TYPOGRAPHY:
            text = text.replace(char, to)
    return text


def plain(text: str) -> View:
    """Return the text with odd characters folded to ASCII: digits of any script, full-width forms.

    What does not show is dropped: invisible characters, and the codes of a terminal's colours.
    """
    folded = {char: _fold(char) for char in _odd_in(text)}
    alike = {char: to for char, to in folded.items() if len(to) == 1}  # positions stay as they are
    if len(alike) > _MOST_REPLACED:
        text = text.translate({ord(char): to for char, to in alike.items()})
    else:
        for char, to in alike.items():
            text = text.replace(char, to)
    left = [char for char in folded if char not in alike]
    if not left and "\x1b[" not in text:
        return View(text, [0], [0], [False])
    return _view(text, _hiding("".join(left)), _fold_first) if any(map(_fold, left)) else _without(text, left)


def percent_decoded(text: str, around: int = _EVERYTHING) -> View:
    """Return the text with its percent-encoding decoded, however often it was encoded.

    `around` leaves out what stands further than so many characters from all that was decoded, a NUL in its place.
    """
    return _view(text, _PERCENT, _percent, around)


def unescaped(text: str, around: int = _EVERYTHING) -> View:
    """Return the text with its backslash-u and backslash-x escapes and its HTML entities decoded; `around` is as above."""
    return _view(text, _ESCAPE, _escape, around)


def broken(text: str, around: int = _EVERYTHING) -> View:
    """Return the text with those ends of lines and tabs decoded, written as escapes, that hide where numbers begin.

    So they do with a word that has a number behind it. `around` is as above.
    """
    return _view(text, _BREAK, lambda _: "\n", around)


def unescape_all(text: str) -> str:
    """Return a text with all JSON escapes in it decoded once, wherever they stand."""
    if "\\u" in text:
        return json_unescaped(text).text
    text = text.replace("\\\\", "\0")
    for escape, char in _SHORT_ESCAPES:
        text = text.replace(escape, char)
    return text.replace("\0", "\\")


def json_unescaped(literal: str) -> View:
    """Return the text of a JSON string, given what stands between its quotes."""
    return _view(literal, _JSON_ESCAPE, _json_escape)


class Escapes(NamedTuple):
    """Where the escapes of a JSON string are: the map from its text to how it is written."""

    places: list[int]
    """Where in the text each character is that is written as an escape."""
    longer: list[int]
    """How much longer than the text what is written is, before each of them, and at the end."""

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of what is written that the span [start, end) of the text stands for."""
        places, longer = self.places, self.longer
        return start + longer[bisect_left(places, start)], end + longer[bisect_left(places, end)]


def json_escapes(literal: str) -> Escapes:
    """Return where the escapes of a JSON string are, given what stands between its quotes."""
    places, longer, more = list[int](), [0], 0
    at, last = literal.find("\\"), len(literal) - 1
    while 0 <= at < last:
        size = _SHORT_ESCAPE
        if literal[at + 1] == "u" and (escape := _JSON_ESCAPE.match(literal, at)):
            size = escape.end() - at
        if _is_escape(literal[at : at + size]):
            places.append(at - more)
            more += size - 1
            longer.append(more)
        at = literal.find("\\", at + size)
    return Escapes(places, longer)


def _view(text: str, pattern: re.Pattern[str], replace: Callable[[str], str], around: int = _EVERYTHING) -> View:
    """Replace each match; one that is replaced by as many characters is mapped one by one, else it counts as a whole."""
    pieces: list[str] = []
    starts, origins, fixed = [0], [0], [False]
    length = at = 0
    for match in pattern.finditer(text):
        start, end = match.span()
        replaced = replace(match[0])
        if start - at > 2 * around and (blank := _BLANK.search(text, at + around, start - around)):
            pieces += (text[at : blank.start()], "\0")
            length += blank.start() - at + 1
            at = text.rfind(blank[0], at + around, start - around)
            starts.append(length)
            origins.append(at)
            fixed.append(False)
        if start > at:
            pieces.append(text[at:start])
            length += start - at
        at = end
        if replaced:
            pieces.append(replaced)
        if len(replaced) == end - start:
            length += end - start
            continue
        if replaced:
            starts.append(length)
            origins.append(start)
            fixed.append(True)
            length += len(replaced)
        elif starts[-1] == length and not any(fixed[-2:]):  # after another that was dropped
            origins[-1] = end
            continue
        starts.append(length)
        origins.append(end)
        fixed.append(False)
    blank = _BLANK.search(text, at + around) if len(text) - at > around else None
    pieces.append(text[at : blank.start() if blank else None])
    return View("".join(pieces), starts, origins, fixed)


def _without(text: str, hiding: list[str]) -> View:
    """Return the text without these characters, and without the codes of colours."""
    marked = text
    for other in hiding[1:_MOST_REPLACED]:
        marked = marked.replace(other, hiding[0])
    if "\x1b[" in text or len(hiding) > _MOST_REPLACED or hiding[0] * _MANY_TOGETHER in marked:
        parts = _hiding("".join(hiding)).split(text)
        kept, dropped = parts[::2], [*map(len, parts[1::2])]
    else:
        kept = marked.split(hiding[0])
        dropped = [1] * (len(kept) - 1)
    sizes = [*map(len, kept)]
    starts = [*accumulate(sizes[:-1], initial=0)]
    origins = [*map(add, starts, accumulate(dropped, initial=0))]
    if 0 in sizes:  # those that stand together are one place of the map
        there = [*sizes[:-1], 1]
        starts, origins = [*compress(starts, there)], [*compress(origins, there)]
    return View("".join(kept), starts, origins, [False] * len(starts))


def _odd_in(text: str) -> list[str]:
    """Return the odd characters that stand in a text, each once, in order."""
    if text.isascii():
        return []
    others = text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
    found: set[str] = set()
    for odd in _odd_characters():
        rest, at = others, 0
        for _ in range(_MOST_TAKEN_OUT):
            match = odd.search(rest, at)
            if match is None:
                break
            at = match.start()
            found.add(rest[at])
            rest = rest.replace(rest[at], "")
        else:
            found.update("".join(odd.findall(rest, at)))
    return sorted(found)


@cache
def _odd_characters() -> tuple[re.Pattern[str], ...]:
    """Return what finds odd characters: for the first 65,536 of all alone Python has a table, and for others it has none."""
    ranges = [(int(first, 16), int(last or first, 16)) for first, last in _RANGE.findall(ODD)]
    near = "".join([f"{chr(first)}-{chr(last)}" for first, last in ranges if last < _PLANE])
    far = "".join([f"{chr(first)}-{chr(last)}" for first, last in ranges if last >= _PLANE])
    return re.compile(f"[{near}]+"), re.compile(f"[{far}]+")


@lru_cache(maxsize=64)
def _hiding(odd: str) -> re.Pattern[str]:
    """Return what finds the codes of colours and these characters; of those that do not show many at once."""
    dropped = "".join([char for char in odd if not _fold(char)])
    others = "".join([char for char in odd if char not in dropped])
    found = [f"[{some}]{many}" for some, many in ((dropped, "+"), (others, "")) if some] + [_COLOURS]
    return re.compile(f"({'|'.join(found)})")


def _fold_first(found: str) -> str:
    """Return what a character folds to, the code of a colour, or many characters that do not show."""
    return _fold(found[0])


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    if char == "\x1b" or unicodedata.category(char) in ("Cf", "Mn"):
        return ""
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.digit(char))
    folded = unicodedata.normalize("NFKC", char)
    # Hyphens and dashes are left as they are by NFKC.
    return "-" if "‐" <= folded <= "―" or folded == "−" else folded  # noqa: RUF001 - they are meant


def _percent(encoded: str) -> str:
    return bytes.fromhex("".join(_ENCODED_BYTE.findall(encoded))).decode("utf-8", "replace").replace("\0", " ")


def _escape(escaped: str) -> str:
    if escaped in _BEGIN_COLOURS:
        return "\x1b"
    decoded = html_unescape(escaped) if escaped[0] == "&" else chr(int(f"0x{escaped[2:]}", 0))
    return "\ufffd" if _FIRST_SURROGATE <= decoded[:1] <= _LAST_SURROGATE else decoded.replace("\0", " ")


def _is_escape(written: str) -> bool:
    """Tell whether JSON knows what looks like one of its escapes; what is longer than two characters names a character."""
    return len(written) > _SHORT_ESCAPE or written[1] in _ESCAPED


@lru_cache(maxsize=4096)
def _json_escape(escaped: str) -> str:
    text: str = json.loads(f'"{escaped}"') if _is_escape(escaped) else escaped
    return text
