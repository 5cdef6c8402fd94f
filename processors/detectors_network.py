"""Detectors of network addresses: of households, machines and devices."""

import re
from collections.abc import Iterable
from socket import AF_INET6, inet_pton
from string import ascii_letters
from typing import Final

from .detector import ALPHANUMERIC, IN_WORDS, NOTHING, Candidate, Detector, Rank, Span, whole

_IPV4: Final = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|\Z)){4}")
_BEFORE_VERSIONS: Final = frozenset(
    (
        *("ver", "v", "release", "rel", "build", "rev", "revision", "firmware", "driver", "oid", "step"),
        *("section", "chapter", "clause", "figure", "table", "paragraph", "article", "dss", "requirement"),
    )
)
_BETWEEN: Final = " \t:=/#.\"'->("
"""What may stand between such a word and a version."""
_MOST_BETWEEN: Final = 4
_CODE: Final = re.compile(r"\s[1-7]\.")
"""Of an enzyme, behind EC."""
_MOST_DIGITS: Final = 3
_PROGRAMS: Final = frozenset(
    (
        *("chrome", "chromium", "safari", "firefox", "edge", "edg", "opr", "opera", "mozilla"),
        *("applewebkit", "gecko", "trident", "nginx", "apache", "curl"),
    )
)
"""Behind these, versions stand behind a slash; what stands behind a blank may be an address."""
_PINNED: Final = re.compile(r"(?:\A|[\s\"'\[(,])([A-Za-z][\w.-]*)(?:\[[\w,-]*\])?[=~<>!]=\Z")
"""A package and the sign before the version that is asked for."""
_PARTS_OF_NAMES: Final = re.compile(r"[._-]")
_MACHINES: Final = frozenset(
    (
        *("ip", "ipv4", "ip4", "inet", "addr", "address", "host", "node", "server", "client", "worker"),
        *("peer", "machine", "vm", "src", "dst", "source", "dest", "remote", "local", "from", "to"),
        *("via", "gw", "gateway", "dns", "ns", "proxy", "vpn"),
    )
)
"""What an address is named by."""
_PART_OF_MORE: Final = re.compile(rf"(?:[{ALPHANUMERIC}]_?|~|[0-9]\.|[A-Za-z_]-)\Z")
_MACHINE_BEFORE: Final = re.compile(r"(?:\A|[^0-9A-Za-z])([A-Za-z]{1,8}4?)[_-]\Z")
_PORT: Final = re.compile(r":\d{2,5}(?![\w.])")
_LOG: Final = re.compile(r"[_-](?:[A-Za-z]+[_.-])*(?:log|pcap|pcapng)\b")
"""Behind an address, in the name of a file."""
_GOES_ON: Final = re.compile(rf"_?[{ALPHANUMERIC}]|~|\.\d|-\w+[.-]\w*[A-Za-z]")
_IN_WORD: Final = re.compile(f"[{IN_WORDS}]")
_IS_ALPHANUMERIC: Final = re.compile(f"[{ALPHANUMERIC}]")
_LONGEST_IPV6: Final = 45
"""Characters, with an IPv4 address at the end."""
_COLONS_WITH_PORT: Final = 8
"""Of an address written out, and a port behind it."""
_BYTES: Final = re.compile("[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){7,8}")
"""Of a serial number or a world wide name: nobody writes an address so."""
_HEX_GROUP: Final = re.compile("[0-9A-Fa-f]+")
_NO_SEPARATORS: Final = str.maketrans("", "", ":-")
_OCTETS: Final = 6
_OCTETS_OF_FRAME: Final = 14
"""Of the head of an Ethernet frame, as a firewall logs it: two addresses, and what is in it."""
_MOST_SHORT: Final = 2
"""Octets of one digit, without a zero before it."""
_OCTET_BEFORE: Final = re.compile(r"(?:(?:\A|[^0-9A-Za-z])[0-9A-Fa-f]{1,4}[:-]|[:-][:-]|\.)\Z")
_OCTET_BEHIND: Final = re.compile(r"[:-](?:[0-9A-Fa-f]{1,4}(?![0-9A-Za-z])|[:-])|\.[0-9A-Za-z]")


def _ipv4(candidate: Candidate) -> Iterable[Span]:
    text, start, end = candidate.text, candidate.start, candidate.end
    value = text[start:end]
    if not _IPV4.fullmatch(value) or value == "0.0.0.0" or value.startswith("255.255."):  # noqa: S104 - nothing is bound
        return NOTHING
    is_glued = start and text[start - 1] != " " and _PART_OF_MORE.search(text, max(0, start - 2), start)
    if is_glued and not _names_machine(candidate):
        return NOTHING
    if _GOES_ON.match(text, end) and not _LOG.match(text, end):
        return NOTHING
    return NOTHING if _is_version(candidate, candidate.before(24)) else (Span(start, end),)


def _names_machine(candidate: Candidate) -> bool:
    """Tell whether an address is the end of the name of a machine: node-203.0.113.9, any with a port behind it."""
    if candidate.previous not in ("-", "_"):
        return False
    named = _MACHINE_BEFORE.search(candidate.before(10))
    return (named is not None and named[1].lower() in _MACHINES) or _PORT.match(candidate.text, candidate.end) is not None


def _is_version(candidate: Candidate, before: str) -> bool:
    """Tell whether what stands before four numbers with dots says that they are a version, or a section of a text."""
    near = before.rstrip(_BETWEEN)
    between = before[len(near) :]
    if near.endswith("§") or (between[-1:] == "=" and len(between) > 1 and _is_pinned(candidate.before(64))):
        return True
    if len(between) > _MOST_BETWEEN:
        return False
    stem = near.rstrip(ascii_letters)
    word = near[len(stem) :].lower()
    if word in _PROGRAMS:
        return between == "/"
    if word == "ec":
        return _CODE.match(f"{between}{candidate.value}") is not None
    if word not in _BEFORE_VERSIONS or "(" in between or ">" in between:
        return word.endswith("version")
    is_option = word == "v" and (stem.endswith("-") or between.strip(" .") != "")
    is_given_up = word == "release" and stem.lower().endswith("dhcp ")
    return not (is_option or is_given_up or _is_of_address(candidate.value))


def _is_of_address(value: str) -> bool:
    """Tell whether two of four numbers have three digits: those of sections and of what is released seldom do."""
    return sum([len(number) == _MOST_DIGITS for number in value.split(".")]) > 1


def _is_pinned(before: str) -> bool:
    package = _PINNED.search(before)
    if package is None:
        return False
    words = {word.lower() for word in _PARTS_OF_NAMES.split(package[1])}
    return words.isdisjoint(_MACHINES) and not package[1].lower().endswith(("ip", "addr", "address", "host"))


def _ipv6(candidate: Candidate) -> Iterable[Span]:
    """Judge a run of hexadecimal digits, colons and dots."""
    start, value, before = candidate.start, candidate.value, candidate.previous
    if before not in ("", " ") and (before == "." or _IN_WORD.match(before)):
        cut = value.find(":") + 1
        start, value = start + cut, value[cut:]
        if value.startswith(":") and not value.startswith("::"):
            return NOTHING
    elif value.startswith(":") and not value.startswith("::"):
        start, value = start + 1, value[1:]  # a colon behind a word
    value = value.rstrip(".")
    if value[-1:] == ":" and value[-2:] != "::":
        value = value[:-1]
    end = start + len(value)
    if len(value) > _LONGEST_IPV6 or _IN_WORD.match(candidate.text, end) or _BYTES.fullmatch(value):
        return NOTHING
    if value.count(":") == _COLONS_WITH_PORT:
        value = value.rpartition(":")[0]
    if value.replace(":", "").isalpha() or not value.strip("0:"):
        return NOTHING
    if not _is_ipv6(value):
        value, dot, port = value.rpartition(".")
        if not (dot and port.isdigit() and _is_ipv6(value)):
            return NOTHING
    return (Span(start, start + len(value)),)


def _is_ipv6(value: str) -> bool:
    try:
        inet_pton(AF_INET6, value)
    except OSError:
        return False
    return True


def _mac(candidate: Candidate) -> Iterable[Span]:
    if "." in candidate.value:
        return _dotted_mac(candidate)
    text, first, end = candidate.text, candidate.start, candidate.end
    groups = [*_HEX_GROUP.finditer(text, first, end)]
    if first and _IS_ALPHANUMERIC.match(text, first - 1):
        groups = groups[1:]  # the end of a word: MAC:3c:22:fb:9a:01:7e
    if _IS_ALPHANUMERIC.match(text, end):
        groups = groups[:-1]
    if not groups or _OCTET_BEFORE.search(text, max(0, groups[0].start() - 6), groups[0].start()):
        return NOTHING
    if _OCTET_BEHIND.match(text, groups[-1].end()):
        return NOTHING
    if len(groups) == _OCTETS + 1 and groups[0][0] == "DA" and text[groups[1].start() : end].islower():
        groups = groups[1:]  # a destination, as tcpdump has it
    if len(groups) not in (_OCTETS, _OCTETS_OF_FRAME):
        return NOTHING
    start, end = groups[0].start(), groups[min(len(groups), 2 * _OCTETS) - 1].end()
    short = sum([len(group[0]) == 1 for group in groups])
    return (Span(start, end),) if _is_mac(text[start:end], short) else NOTHING


def _is_mac(value: str, short: int) -> bool:
    """Tell whether octets, so many of them of one digit as BSD writes them, are those of a device."""
    separators = {":", "-"} & {*value}
    digits = value.translate(_NO_SEPARATORS).lower()
    if len(separators) != 1 or digits in ("0" * 12, "f" * 12):
        return False
    return not (short or "-" in separators) or (not digits.isdigit() and short <= (_MOST_SHORT if ":" in separators else 0))


def _dotted_mac(candidate: Candidate) -> Iterable[Span]:
    before, after = candidate.previous, candidate.following
    if candidate.is_within_word or (before and before in ":-.") or (after and after in ":-"):
        return NOTHING
    if after == "." and candidate.after(2)[1:].isalnum():
        return NOTHING
    digits = candidate.value.replace(".", "").lower()
    return NOTHING if digits.isdigit() or digits == "f" * 12 else whole(candidate)


NETWORK: Final = (
    Detector(
        name="ipv4",
        type="IP_ADDRESS",
        reason="Leads to a household or a machine. Versions and section numbers look alike.",
        pattern=r"\d{1,3}(?:\.\d{1,3}){3}",
        trigger=r"\d\.\d+\.\d+\.\d",
        judge=_ipv4,
        rank=Rank.EXACT,
        numeric=True,
        example="refused 203.0.113.77:443",
        counter_example="upgraded to version 4.18.0.2 by Chrome/120.0.0.0",
    ),
    Detector(
        name="ipv6",
        type="IP_ADDRESS",
        reason="Leads to a household or a machine. Times and C++ names look alike.",
        pattern=r"[0-9A-Fa-f:]*(?:::|:(?:[0-9A-Fa-f]{1,4}:){6}|:\d{1,3}\.\d)[0-9A-Fa-f:.]*",
        trigger=(r"(?:^|[^0-9A-Za-z_])(?:[0-9A-Fa-f]{1,4}::|::[0-9A-Fa-f])|(?:[0-9A-Fa-f]+:){7}[0-9A-Fa-f]|:\d+\.\d+\.\d+\.\d"),
        judge=_ipv6,
        rank=Rank.EXACT,
        numeric=True,
        example="peer 2001:db8:85a3::8a2e:370:7334 left",
        counter_example="at 10:22:33:123 in std::add::face",
    ),
    Detector(
        name="mac",
        type="MAC_ADDRESS",
        reason="Names a device.",
        pattern=r"[0-9A-Fa-f]{1,2}(?:[:-][0-9A-Fa-f]{1,2}){5,}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}",
        trigger=r"(?:[0-9A-Fa-f]{1,2}[:-]){5}[0-9A-Fa-f]|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}",
        judge=_mac,
        rank=Rank.EXACT,
        numeric=True,
        example="lease for 3c:22:fb:9a:01:7e",
        counter_example="sums 00:00:00:00:00:00 and a1:b2:c3:d4:e5:f6:a7:b8",
    ),
    Detector(
        name="mac_named",
        type="MAC_ADDRESS",
        reason="Twelve hexadecimal digits after the words MAC address.",
        pattern=r"(?i)\b(?:mac|hw|hardware|ethernet)[ _-]?(?:addr(?:ess)?)?[\"']?[\s:=#]{1,3}(?:is )?[\"']?([0-9a-f]{12})\b",
        trigger=r"(?i)(?:mac|hw|hardware|ethernet)[ _-]?(?:addr(?:ess)?)?[\"']?[\s:=#]+(?:is )?[\"']?[0-9a-f]{12}",
        judge=whole,
        rank=Rank.CONTEXT,
        example="MAC address 3c22fb9a017e",
        counter_example="commit 3c22fb9a017e",
    ),
)
"""Detectors of network addresses."""
