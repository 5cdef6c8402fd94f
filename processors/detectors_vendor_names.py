"""The detector of vendors' keys without a form of their own: a random value after the vendor's name."""

import re
from collections.abc import Iterable
from typing import Final

from . import key_words as words
from .detector import NOTHING, Candidate, Detector, Rank, Span
from .key_rules import is_placeholder, words_of
from .validators import looks_random

_NAMES = (
    "adafruit|adobe|airtable|algolia|alibaba|apimetrics|appcues|artifactory|asana|atlassian|auth0|aylien|beamer|besttime"
    "|bintray|bitbucket|bitfinex|bittrex|blazemeter|browserstack|browshot|buttercms|calendarific|calendly|capsulecrm"
    "|centralstationcrm|chartmogul|clearbit|clickup|clockify|cloudant|cloudflare|cloudinary|cloudmersive|cloudsmith|codecov"
    "|codequiry|cohere|coinapi|coinbase|confluence|confluent|contentful|contentstack|coveralls|cryptocompare|currencyscoop"
    "|customer_?io|databricks|datadog|deepgram|detectlanguage|discord|drone_?ci|dropbox|etsy|eventbrite|everhour|facebook"
    "|fastforex|fastly|finicity|finnhub|flickr|freshbooks|fullstory|geoapify|geocodify|getresponse|gitter|glassnode"
    "|gocardless|goodday|graphhopper|gumroad|hellosign|heroku|holidayapi|hubspot|infura|intercom|ipinfo|ipstack|jira"
    "|jumpcloud|klaviyo|kraken|kucoin|launch[_-]?darkly|lemlist|linear|linked[_-]?in|linkpreview|liveagent|lob|loggly|logz"
    "|logz_?io|looker|mailboxlayer|mailchimp|mailerlite|mailgun|mailjet|mailmodo|mapbox|mattermost|mediastack|meraki"
    "|message[_-]?bird|metaapi|mixpanel|monkeylearn|moosend|netlify|new-?york-?times|new[_-]?relic|nexmo|noticeable|nytimes"
    "|okta|onesignal|openweather|opsgenie|optimizely|pager_?duty|pandadoc|paperform|papertrail|pdfshift|pepipost|pipedrive"
    "|plaid|posthog|postmark|private_?ai|proxycrawl|pusher|railway|rapid_?api|razorpay|recurly|restpack|rollbar|salescookie"
    "|salesforce|scrapeowl|scrapingant|screenshotapi|sendbird|sendgrid|sendinblue|sentry|shodan|shortcut|shotstack"
    "|signupgenius|smartsheets?|snyk|softlayer|sonar|sourcegraph|speechtext|splunk|square_?space|statuscake|storyblok|strava"
    "|sumo|surveymonkey|teamwork|telegr(?:am)?|ticketmaster|todoist|toggl|tomtom|travis|trello|twilio|twitch|twitter|typeform"
    "|unsplash|uploadcare|urlscan|userstack|vatlayer|vercel|virustotal|voiceflow|wakatime|walkscore|wandb|weatherbit"
    "|weatherstack|webex|webflow|webscraper|wistia|woocommerce|wrike|x?jfrog|yandex|zapier|zendesk|zenrows|zerobounce"
    "|zipcodeapi|zipcodebase|zonka|zulip"
)
_LOUD_NAMES = (
    "anthropic|azure|circle_?ci|digital_?ocean|docker|drone|firebase|git_?hub|git_?lab|google|instagram|jenkins|openai|paypal|shopify"
    "|slack|spotify|steam|stripe|whatsapp|word_?press|youtube"
)
"""Names that other things are given to as well: these must go on with key, token or secret."""
_KEYS = ("key", "token", "secret", "pat")
_NAMED = (
    rf"(?i)((?:(?:{_NAMES})[\w.\- ]{{0,24}}|(?:{_LOUD_NAMES})[\w.-]{{0,16}}?(?:key|token|secret|pat)))"
    rf"[\"'\]]{{0,2}}(?:\s{{0,3}}[:=?|>,]{{1,4}}[\s\"'`=]{{0,5}}|\s[\"'`])([\w=+/.%~:-]{{10,200}})"
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
        parts="",
        trigger=(
            rf"(?i)(?:(?:{_NAMES})[\w.\- ]*|(?:{_LOUD_NAMES})[\w.-]*(?:key|token|secret|pat))"
            rf"[\"'\]]*(?:\s*[:=?|>,]+[\s\"'`=]*|\s[\"'`])[\w=+/.%~:-]{{10}}"
        ),
        judge=_named,
        rank=Rank.ASSIGNED_SECRET,
        example=f"algolia = {'a1B2c3D4e5F6g7H8' * 2}",
        counter_example=f"github: {'0a1b2c3d4e' * 4}, sentry_commit={'0a1b2c3d4e' * 4}, twitter: representatives",
    ),
)
"""Detectors of keys by the names of vendors."""
