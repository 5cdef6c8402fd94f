"""Detectors of secrets with a form: key blocks, web tokens, passwords in URLs, HTTP headers."""

import re
from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span, whole
from .key_rules import begins_redacted, is_placeholder
from .validators import is_jwt

_SCHEMES: Final = "bearer|basic|token|apikey|api-key|key|jwt|bot|splunk|ssws|sso-key|negotiate|ntlm|zoho-oauthtoken"
_SCHEMES_WITH_LISTS: Final = "digest|aws4-hmac-sha256|signature|oauth"
_PEM: Final = "-----{}[A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----"
_SHORTEST: Final = 3
"""Characters of a credential; what is shorter is a word."""
_OPAQUE: Final = re.compile(r"\d|[A-Z].*[A-Z]|[._~+/=-].*[._~+/=-]")


def _credential(start: int, value: str) -> Iterable[Span]:
    return (
        NOTHING
        if len(value) < _SHORTEST or is_placeholder(value) or begins_redacted(value)
        else (Span(start, start + len(value)),)
    )


def _jwt(candidate: Candidate) -> Iterable[Span]:
    value = candidate.value.rstrip(".")
    if (candidate.previous.isascii() and candidate.previous.isalnum()) or not is_jwt(value):
        return NOTHING
    return (Span(candidate.start, candidate.start + len(value)),)


def _bearer(candidate: Candidate) -> Iterable[Span]:
    is_one = _OPAQUE.search(candidate.value) and not is_placeholder(candidate.value)
    return whole(candidate) if is_one else NOTHING


def _value(candidate: Candidate) -> Iterable[Span]:
    return _credential(candidate.start, candidate.value)


def _authorization(candidate: Candidate) -> Iterable[Span]:
    value = candidate.value.rstrip(")]}>\\")
    first, stated = value.partition(" ")[0], candidate.value.partition(" ")[0]
    is_directive = candidate.groups[1][0] < 0 and candidate.groups[2][0] < 0
    if is_placeholder(first) or is_placeholder(stated) or (is_directive and not _OPAQUE.search(value)):
        return NOTHING
    return _credential(candidate.start, value)


SECRETS: Final = (
    Detector(
        name="private_key",
        type="SECRET",
        reason="A PEM block of a private key, line breaks real or escaped; one cut off goes as far as it looks like one.",
        pattern=(
            rf"{_PEM.format('BEGIN')}[A-Za-z0-9+/=\s\\:,\"'.()*#-]*?{_PEM.format('END')}"
            rf"|{_PEM.format('BEGIN')}[A-Za-z0-9+/=\s\\:,\"'*#-]*"
        ),
        trigger="-----BEGIN[A-Z0-9 ]*PRIVATE KEY",
        judge=whole,
        rank=Rank.STRUCTURED_SECRET,
        example=f"-----BEGIN EC {'PRIVATE'} KEY-----\\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB\\n-----END EC PRIVATE KEY-----",
        counter_example="-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI\n-----END PUBLIC KEY-----",
    ),
    Detector(
        name="jwt",
        type="SECRET",
        reason="A JSON Web Token: its first part is base64url of a JOSE header.",
        pattern=r"eyJ[\w-]{5,}(?:\.[\w-]*){1,4}",
        trigger=r"eyJ[\w-]+\.",
        judge=_jwt,
        rank=Rank.STRUCTURED_SECRET,
        example="token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl",
        counter_example="file eyJub3RlIjoiIn0.json",
    ),
    Detector(
        name="url_password",
        type="SECRET",
        reason="The password of a URL, and nothing else of it.",
        pattern=(
            r"[A-Za-z][0-9A-Za-z+.-]*://[^\s/:@\"'<>\x00]*:([^\s/\"'<>\x00]+)@"
            r"|[\w.-]:([^\s:/\"'<>\x00]+)@(?:tcp|unix|udp)?\("
        ),
        trigger=r"://[^\s/]*:[^\s/]*@|@(?:tcp|unix|udp)?\(",
        judge=_value,
        rank=Rank.STRUCTURED_SECRET,
        example="redis://cache:p%40ss-w0rd@10.1.2.3:6379/0",
        counter_example="redis://cache:${REDIS_PASSWORD}@host and http://host:8080/@me",
    ),
    Detector(
        name="authorization_header",
        type="SECRET",
        reason="The credential of an HTTP Authorization header, also as servers are told to set it; its name and scheme stay.",
        pattern=(
            r"(?i)authorization[\"']?\s{0,2}[:=]\s{0,2}[\"'`]?"
            rf"(?:(?:{_SCHEMES_WITH_LISTS})\s+([^\n\r\x00]+)"
            rf"|(?:(?:{_SCHEMES})[ =]+)?([^\s,;\"'`\x00]+(?: [^\s,;\"'\x00=\[]{{8,}})?))"
            rf"|authorization\s{{1,4}}[\"'](?:{_SCHEMES}|{_SCHEMES_WITH_LISTS}) ([^\"'\n\r\x00]{{6,}})[\"']"
            rf"|authorization\s{{1,4}}(?:{_SCHEMES})\\ ([^\s;\"'\x00]{{6,}})"
        ),
        trigger=rf"(?i)authorization(?:[\"']?\s*[:=]|\s+[\"']?(?:{_SCHEMES}|{_SCHEMES_WITH_LISTS})\\? )",
        judge=_authorization,
        rank=Rank.STRUCTURED_SECRET,
        example="Authorization: Basic Ym9iOmh1bnRlcjI=",
        counter_example="Authorization: ${TOKEN}",
    ),
    Detector(
        name="bearer",
        type="SECRET",
        reason="A bearer token (RFC 6750), or one of Okta's, outside of a header.",
        pattern=r"(?i)(?:^|[^A-Za-z])(?:bearer|ssws)[ :=]+([0-9A-Za-z._~+/=-]{12,})",
        trigger=r"(?i)(?:bearer|ssws)[ :=]+[0-9A-Za-z]",
        judge=_bearer,
        rank=Rank.STRUCTURED_SECRET,
        example="got bearer 0f8a7d6e5c4b3a29",
        counter_example="bearer authentication",
    ),
    Detector(
        name="cookie_header",
        type="SECRET",
        reason="The values of an HTTP Cookie or Set-Cookie header: whoever has them has the session.",
        pattern=r"(?i)cookie[\"']?\s{0,2}:\s{0,2}[\"']?([\w!#$%&*+.^|~-]+=[^\"'\n\r\x00]+)",
        trigger=r"(?i)cookie[\"']?\s*:",
        judge=_value,
        rank=Rank.STRUCTURED_SECRET,
        example="Cookie: sid=31d4d96e407aad42; theme=dark",
        counter_example="Cookie: two cups of flour",
    ),
)
"""Detectors of secrets with a form."""
