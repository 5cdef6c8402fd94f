"""The detector of vendors' keys without a form of their own: a random value after the vendor's name."""

import re
from collections.abc import Iterable
from typing import Final

from . import key_words as words
from .detector import NOTHING, Candidate, Detector, Rank, Span
from .key_rules import is_placeholder, words_of
from .validators import looks_random, machine_made

_NAMES: Final = (
    "adafruit|adobe|ai21|aikido|airbrake|airtable|aiven|algolia|alibaba|amplitude|anypoint|apifonica|apilayer|apimetrics"
    "|apitemplate|appcenter|appcues|appfollow|appoptics|artifactory|asaas|asana|assembly_?ai|atlassian|audd[_-]|auth0|avaza"
    "|aviationstack|axonaut|aylien|ayrshare|bannerbear|baremetrics|beamer|besttime|betterstack|bintray|bitbar|bitbucket"
    "|bitfinex|bitly|bittrex|blazemeter|blynk|borgbase|brandfetch|browserstack|browshot|bscscan|buddyns|bugherd|bugsnag"
    "|buttercms|caflou|calendarific|calendly|campayn|canva|capsulecrm|carboninterface|centralstationcrm|chartmogul|chatfule"
    "|checkly|civo[_-]|clarifai|clearbit|clicksend|clickup|cliengo|clockify|cloudant|cloudconvert|cloudflare|cloudimage"
    "|cloudinary|cloudmersive|cloudplan|cloudsight|cloudsmith|cloverly|clustdoc|codacy|code_?climate|codecov|codemagic"
    "|codequiry|cohere|coinapi|coinbase|coinlayer|coinlib|collect2|commercejs|confluence|confluent|contentful|contentstack"
    "|convertapi|convertkit|countrylayer|coveralls|coze[_-]|craftmypdf|crowdin|cryptocompare|currencyfreaks|currencylayer"
    "|currencyscoop|currentsapi|customer_?io|d7network|dailyco|dareboost|databento|databox|databricks|datadog|datagov"
    "|deepai|deepgram|detectify|detectlanguage|deviantart|dfuse|diffbot|diggernaut|discord|disqus|docparser|documo|docusign"
    "|doppler|dronahq|drone_?ci|dropbox|duffel|dwolla|dynalist|dynatrace|dyspatch|eagleeyenetworks|easypost|edamam|edenai"
    "|elasticemail|eleven_?labs|etherscan|ethplorer|etsy|eventbrite|everhour|exchangerates?api|extractorapi|facebook"
    "|faceplusplus|fastforex|fastly|fetchrss|fibery|finage|financialmodelingprep|finicity|finnhub|fixerio|flatio|fleetbase"
    "|flexport|flickr|flightapi|flightstats|formcraft|freshbooks|freshdesk|fullstory|fxmarket|geckoboard|geoapify|geocodify"
    "|geoip|geoipifi|getemail|getgist|getresponse|gitter|glassnode|gocardless|godaddy|goodday|graphcms|graphhopper|greptile"
    "|groovehq|gtmetrix|gumroad|gyazo|hasura|hellosign|helpcrunch|helpscout|hereapi|heroku|hiveage|holidayapi|honeycomb"
    "|html2pdf|hubspot|hybiscus|iconfinder|iexapis|iexcloud|imagekit|imagga|infracost|infura|insightly|instabot|instamojo"
    "|intercom|interseller|intrinio|ip2location|ipapi|ipgeolocation|ipinfo|ipquality|ipstack|jira|jotform|jumpcloud"
    "|jupiterone|karmacrm|keenio|kickbox|klaviyo|klipfolio|knapsackpro|kraken|kucoin|kylas|languagelayer|larksuite"
    "|launch[_-]?darkly|leadfeeder|lemlist|lemonsqueezy|lendflow|lexigram|lichess|linear|linked[_-]?in|linkpreview"
    "|liveagent|livestorm|loadmill|lob[_-]|locationiq|loggly|loginradius|logz|logz_?io|lokalise|looker|loyverse|lunchmoney"
    "|madkudu|mailboxlayer|mailchimp|mailerlite|mailersend|mailgun|mailjet|mailmodo|mailsac|mandrill|mapbox|mapquest"
    "|marketstack|mattermost|mavenlink|maxmind|mediastack|meistertask|meraki|mergify|mesibo|message[_-]?bird|metaapi"
    "|metrilo|midtrans|mindmeister|mixmax|mixpanel|mockaroo|monkeylearn|moonclerk|moosend|moralis|myintervals"
    "|nasdaqdatalink|netlify|new-?york-?times|new[_-]?relic|newsapi|newscatcher|nexmo|nftport|ngrok|nicereply|nightfall"
    "|noticeable|numverify|nutritionix|nylas|nytimes|oanda|okta|omnisend|onelogin|onesignal|onfido|onfleet|oopspam|opencage"
    "|openuv|openweather|opsgenie|optimizely|overloop|owlbot|packagecloud|pagarme|pager_?duty|pandadoc|pandascore|paperform"
    "|papertrail|paralleldots|parsehub|parseur|partnerstack|pastebin|paymongo|paystack|pdflayer|pdfshift|pendo[_-]"
    "|peopledatalabs|pepipost|photoroom|pinata|pipedream|pipedrive|pivotaltracker|pixabay|plaid|planetscale|planyo|plivo"
    "|podio|poloniex|positionstack|posthog|postmark|powrbot|private_?ai|prodpad|prospectcrm|proxycrawl|pubnub|pulumi"
    "|purestake|pushbullet|pusher|pyowm|qualaroo|qubole|railway|rapid_?api|rawg|razorpay|reachmail|rebrandly|recaptcha"
    "|recurly|replyio|restpack|retellai|ringcentral|ritekit|rocketreach|rockset|rollbar|rootly|route4me|rubygems|runpod"
    "|salesblink|salescookie|salesflare|salesforce|salesmate|samsara|satismeter|saucelabs|scaleway|scalingo|scrapeowl"
    "|scraper_?api|scrapestack|scrapfly|scrapingant|scrapingbee|screenshotapi|screenshotlayer|securitytrails|selectpdf"
    "|sendbird|sendgrid|sendinblue|sentry|serpapi|serphouse|serpstack|shippo|shodan|shortcut|shotstack|shutterstock"
    "|signalwire|signaturit|signupgenius|simfin|simplesat|skrapp|smartsheets?|smartystreets|snipcart|snyk|softlayer"
    "|sonar|sourcegraph|spark_?post|speechtext|splunk|spoonacular|sportsmonk|square_?space|sslmate|stackhawk|statuscake"
    "|statuspage|stitchdata|stockdata|stormboard|stormglass|storyblok|strava|stytch|sumo|surveybot|surveymonkey"
    "|surveysparrow|survicate|swiftype|tailscale|tatum|tavily|taxjar|teamwork|telegr(?:am)?|telnyx|testingbot|textmagic"
    "|thinkific|thousandeyes|ticketmaster|tickettailor|tiingo|timecamp|timezoneapi|todoist|toggl|tomtom|tradier"
    "|transferwise|travelpayouts|travis|trello|twelvedata|twilio|twitch|twitter|typeform|ubidots|uclassify|unsplash"
    "|upcdatabase|uplead|uploadcare|uptimerobot|urlscan|userflow|userstack|vatlayer|vbout|vercel|versioneye|virustotal"
    "|visualcrossing|voiceflow|voicegain|voodoosms|vpnapi|wakatime|walkscore|wandb|weatherbit|weatherstack|web3storage"
    "|webex|webflow|webscraper|webscraping|wepay|whoxy|wistia|woocommerce|workato|workos|wpengine|wrike|x?jfrog|yandex"
    "|yousign|zapier|zendesk|zenkit|zenrows|zenscrape|zenserp|zeplin|zerobounce|zerotier|zipcodeapi|zipcodebase|zonka|zulip"
    "|zuplo"
)
_LOUD_NAMES: Final = (
    "anthropic|azure|braintree|buildkite|cerebras|circle_?ci|couchbase|deepseek|digital_?ocean|docker|drone|ebay|elastic"
    "|figma|firebase|fireworks|gitea|git_?hub|git_?lab|google|groq|hugging_?face|influx_?db|instagram|jenkins|metabase"
    "|mini_?max|miro[_-]|mistral(?:ai)?|nvidia|ollama|openai|open_?router|paypal|perplexity|pinecone|pinterest|postman"
    "|render|replicate|shopify|slack|snowflake|spotify|steam|stripe|supabase|tableau|teamcity|together_?ai|vagrant"
    "|voyage_?ai|vultr|whatsapp|word_?press|yelp|youtube|zhipu|zoho"
)
"""Names that other things are given to as well: these must go on with key, token or secret."""
_KEYS: Final = ("key", "token", "secret", "pat")
_NAMED: Final = (
    rf"(?i)((?:(?:{_NAMES})[\w.\- ]{{0,24}}|(?:{_LOUD_NAMES})[\w.-]{{0,16}}?(?:key|token|secret|pat)))"
    rf"[\"'\]]{{0,2}}(?:\s{{0,3}}[:=?|>,]{{1,4}}[\s\"'`=]{{0,5}}|\s[\"'`])([\w=+/.%~:-]"
)
_CALLED: Final = r"(?:[ _./-]{0,2}(?:secret|private|access|api|auth|app|token|key|pat))"
_SAID: Final = (
    rf"(?i)(?:{_NAMES}|{_LOUD_NAMES})({_CALLED}{{0,4}})"
    r"[ :.-]{1,3}([0-9A-Za-z][\w+=-]"
)
"""Both end before how often the last class comes again."""
_NO_SECRET: Final = words.ABOUT | words.NOT_VAGUE | words.PLACED
_LONG_NUMBER: Final = 14
_LONG_WORD: Final = 20
_MIXED: Final = re.compile(r"(?=.*[A-Z].*[A-Z])(?=.*[a-z].*[a-z])[\w+/=~-]+|[0-9a-z]+|[0-9A-Z]+")
_WORDS: Final = re.compile(r"[A-Za-z]{2,}\d{0,8}(?:[-_.:/](?:[A-Za-z]+\d{0,8}|\d{1,8}))+")
"""Words and numbers joined: names of models, hosts, releases."""
_ALONE: Final = re.compile(r"(?=\w*[A-Z])(?=\w*[a-z])[0-9A-Za-z]{24,}\Z|(?=\w*[g-z])[0-9a-z]{20,}\Z")
"""One that needs no word for keys: not hexadecimal, as commits are and releases."""
_FEWEST_SAID: Final = 20
"""Characters of a value that only a vendor's name stands before."""
_UNSEPARATED: Final = re.compile(r"[0-9A-Za-z+/=_~:%-]+(?:\.[0-9A-Za-z+/=_~:%-]{6,})*")


def _begins_inside(candidate: Candidate, start: int) -> bool:
    """Tell whether the vendor's name is the inside of a word, as Etsy's is of SetSysctl."""
    before, first = candidate.text[max(0, start - 1) : start], candidate.text[start]
    return before.isalpha() and not (before.islower() and first.isupper()) and candidate.text[max(0, start - 2) : start] != "-D"


def _named(candidate: Candidate) -> Iterable[Span]:
    """Judge: a random value after a vendor's name, unless the name goes on to say that it is something else."""
    value = candidate.group(2).rstrip(".:,")
    name = words_of(candidate.group(1))
    while len(name) > 1 and name[-1] in words.GENERIC:
        name.pop()
    if name[-1] in _NO_SECRET or is_placeholder(value) or _begins_inside(candidate, candidate.groups[1][0]):
        return NOTHING
    is_number = value.isdigit() and len(value) >= _LONG_NUMBER and name[-1] in ("token", "key", "secret")
    is_coded = name[-1].endswith(_KEYS) and len(value) >= _LONG_WORD and _MIXED.fullmatch(value)
    is_random = _UNSEPARATED.fullmatch(value) and looks_random(value, 14) and not _WORDS.fullmatch(value)
    if not is_number and not is_coded and not is_random:
        return NOTHING
    start = candidate.groups[2][0]
    if candidate.runs_into_placeholder(start + len(value)):
        return NOTHING
    return (Span(start, start + len(value)),)


def _said(candidate: Candidate) -> Iterable[Span]:
    """Judge: a value made by a machine straight after a vendor's name and words for keys; without those it must be long."""
    start, end = candidate.groups[2]
    value = candidate.group(2).rstrip("-")
    if _WORDS.fullmatch(value) or candidate.text[end : end + 1] == "/" or candidate.runs_into_placeholder(end):
        return NOTHING
    is_one = looks_random(value, 16) if candidate.group(1) else _ALONE.match(value) and machine_made(value, _FEWEST_SAID)
    if not is_one or _begins_inside(candidate, candidate.groups[0][0]):
        return NOTHING
    return (Span(start, start + len(value)),)


VENDOR_NAMES: Final = (
    Detector(
        name="vendor_named",
        type="SECRET",
        reason="A random value given to a name that begins with a vendor's: many vendors' keys have no form of their own.",
        pattern=f"{_NAMED}{{10,200}})",
        begins=f"{_NAMED}{{10}})",
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
    Detector(
        name="vendor_said",
        type="SECRET",
        reason="A value made by a machine behind a vendor's name and a blank, or behind words for keys that are glued to it.",
        pattern=f"{_SAID}{{15,200}})",
        begins=f"{_SAID}{{15}})",
        parts="",
        trigger=(
            rf"(?i)(?:{_NAMES}|{_LOUD_NAMES})(?:[ _./-]*(?:secret|private|access|api|auth|app|token|key|pat))*"
            r"[ :.-]+[0-9A-Za-z][\w+=-]{15}"
        ),
        judge=_said,
        rank=Rank.ASSIGNED_SECRET,
        example=f"sent to gumroad {'a1B2c3D4e5F6g7H8' * 2}",
        counter_example=f"github {'0a1b2c3d4e' * 4}, sentry-release-2024-11-22, mistral mistral-large-2411-instruct",
    ),
)
"""Detectors of keys by the names of vendors."""
