"""The detector of vendors' keys without a form of their own: a random value after the vendor's name."""

import re
from collections.abc import Iterable
from typing import Final

from . import key_words as words
from .detector import NOTHING, Candidate, Detector, Rank, Span
from .key_rules import is_placeholder, words_of
from .validators import looks_random

_NAMES = (
    "adafruit|adobe|airtable|algolia|alibaba|artifactory|asana|atlassian|beamer|bintray|bitbucket|bittrex|cloudflare|codecov|cohere|coinbase"
    "|confluent|contentful|datadog|discord|drone_?ci|dropbox|etsy|facebook|fastly|finicity|finnhub|flickr|freshbooks|gitter|gocardless"
    "|heroku|hubspot|intercom|jira|confluence|kraken|kucoin|launch[_-]?darkly|linear|linked[_-]?in|lob|looker|mailchimp|mailgun|mapbox"
    "|mattermost|meraki|message[_-]?bird|netlify|new[_-]?relic|new-?york-?times|nytimes|okta|pager_?duty|plaid|private_?ai|rapid_?api|sendbird|sendgrid"
    "|sentry|shodan|snyk|softlayer|sonar|sourcegraph|splunk|square_?space|sumo|telegr(?:am)?|travis|trello|twilio|twitch|twitter|typeform|vercel|x?jfrog|cloudant|yandex|zendesk"
)
_LOUD_NAMES = (
    "anthropic|azure|circle_?ci|digital_?ocean|docker|drone|firebase|git_?hub|git_?lab|google|instagram|jenkins|openai|paypal|shopify"
    "|slack|spotify|steam|stripe|whatsapp|word_?press|youtube"
)
"""Names that other things are given to as well: these must go on with key, token or secret."""
_KEYS = ("key", "token", "secret", "pat")
_NAMED = (
    rf"(?i)((?:(?:{_NAMES})[\w.\- ]{{0,24}}|(?:{_LOUD_NAMES})[\w.-]{{0,16}}?(?:key|token|secret|pat)))"
    rf"[\"'\]]{{0,2}}\s{{0,3}}(?:[:=?|>,]{{1,4}})[\s\"'`=]{{0,5}}([\w=+/.%~:-]{{10,200}})"
)
_NO_SECRET = (
    words.ABOUT | words.NOT_VAGUE | {"branch", "build", "commit", "digest", "job", "org", "repo", "sha", "team", "ticket"}
)
_LONG_NUMBER = 14
_LONG_WORD = 20
_MIXED = re.compile(r"(?=.*[A-Z].*[A-Z])(?=.*[a-z].*[a-z])[\w+/=~-]+|[0-9a-z]+|[0-9A-Z]+")
_UNSEPARATED = re.compile(r"[0-9A-Za-z+/=_~:%-]+(?:\.[0-9A-Za-z+/=_~:%-]{6,})*")


def _begins_inside(candidate: Candidate) -> bool:
    """Tell whether the vendor's name is the inside of a word, as Etsy's is of SetSysctl."""
    start = candidate.groups[1][0]
    before, first = candidate.text[max(0, start - 1) : start], candidate.text[start]
    return before.isalpha() and not (before.islower() and first.isupper()) and candidate.text[max(0, start - 2) : start] != "-D"


def _named(candidate: Candidate) -> Iterable[Span]:
    """Judge: a random value after a vendor's name, unless the name goes on to say that it is something else."""
    value = candidate.group(2).rstrip(".:,")
    name = words_of(candidate.group(1))
    if name[-1] in _NO_SECRET or is_placeholder(value) or _begins_inside(candidate):
        return NOTHING
    is_number = value.isdigit() and len(value) >= _LONG_NUMBER and name[-1] in ("token", "key", "secret")
    is_coded = name[-1].endswith(_KEYS) and len(value) >= _LONG_WORD and _MIXED.fullmatch(value)
    if not is_number and not is_coded and not (_UNSEPARATED.fullmatch(value) and looks_random(value, 14)):
        return NOTHING
    start = candidate.groups[2][0]
    if candidate.runs_into_placeholder(start + len(value)):
        return NOTHING
    return (Span(start, start + len(value)),)


VENDOR_NAMES: Final = (
    Detector(
        name="vendor_named",
        type="SECRET",
        reason="A random value given to a name that begins with a vendor's: many vendors' keys have no form of their own.",
        pattern=_NAMED,
        trigger=(
            rf"(?i)(?:(?:{_NAMES})[\w.\- ]*|(?:{_LOUD_NAMES})[\w.-]*(?:key|token|secret|pat))"
            rf"[\"'\]]*\s*[:=?|>,]+[\s\"'`=]*[\w=+/.%~:-]{{10}}"
        ),
        judge=_named,
        rank=Rank.ASSIGNED_SECRET,
        example=f"algolia = {'a1B2c3D4e5F6g7H8' * 2}",
        counter_example=f"github: {'0a1b2c3d4e' * 4}, sentry_commit={'0a1b2c3d4e' * 4}, twitter: representatives",
    ),
)
"""Detectors of keys by the names of vendors."""
