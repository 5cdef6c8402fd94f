"""Detectors of keys and tokens that vendors mark with a prefix or a form of their own."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from .detector import NOTHING, Candidate, Detector, Rank, Span, whole


class Token(NamedTuple):
    """A vendor's token: where it begins is telling, and what follows has a length."""

    name: str
    vendor: str
    trigger: str
    """RE2: how it begins, short."""
    pattern: str
    """RE2: all of it; a group where only a part is secret."""
    example: str
    counter_example: str


def _letters(length: int) -> str:
    """Return an invented token body: examples are assembled, so that no scanner takes this file for a leak."""
    return ("a1B2c3D4e5F6g7H8i9J0kLmN" * 12)[:length]


def _hex(length: int) -> str:
    return ("0a1b2c3d4e5f6789" * 12)[:length]


def _digits(length: int) -> str:
    return ("1302457689" * 12)[:length]


def _token(candidate: Candidate) -> Iterable[Span]:
    """Judge: not a part of a longer word, not masked, and not words joined by hyphens."""
    before, after, value = candidate.previous, candidate.following, candidate.value
    glued = "://" not in value and ((before.isalnum() and before.isascii()) or before == "_")
    if glued or (after.isalnum() and after.isascii()):
        return NOTHING
    body = value[4:]
    made_up = {*body} <= {*"Xx*-_0"} or (not re.search("[0-9A-Z]", body) and re.search("[_-]", body))
    return NOTHING if made_up else whole(candidate)


def _t(name: str, vendor: str, trigger: str, body: str, sample: str, counter: str = "") -> Token:
    """Describe a token that begins with its trigger."""
    return Token(name, vendor, trigger, f"(?:{trigger}){body}", sample, counter or f"the prefix {sample[:6]} alone")


_TOKENS: Final = (
    _t(
        "aws_key_id",
        "AWS",
        "(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA|ABIA|ACCA)",
        "[A-Z0-9]{16}",
        "AKIA" + _letters(16).upper(),
    ),
    _t("anthropic", "Anthropic", "sk-ant-", r"[\w-]{20,}", f"sk-ant-api03-{_letters(40)}"),
    _t(
        "openai",
        "OpenAI and others",
        "sk-",
        r"(?:[a-z]{2,8}-)?[\w-]{20,}",
        f"sk-proj-{_letters(32)}",
        "sk-estimator-doc-link-html-repr",
    ),
    _t("github", "GitHub", "gh[pousr]_", r"[0-9A-Za-z]{30,255}", f"ghp_{_letters(36)}"),
    _t("github_fine_grained", "GitHub", "github_pat_", r"\w{22,255}", f"github_pat_{_letters(40)}"),
    _t("gitlab", "GitLab", "gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-", r"[\w.-]{20,}", f"glpat-{_letters(20)}"),
    _t("gitlab_runner", "GitLab", "GR1348941", r"[\w-]{20,}", f"GR1348941{_letters(20)}"),
    _t("google_api", "Google", "AIza", r"[\w-]{35}", f"AIza{_letters(35)}"),
    _t("google_oauth", "Google", r"ya29\.", r"[\w.-]{20,}", f"ya29.{_letters(40)}"),
    _t("google_client_secret", "Google", "GOCSPX-", r"[\w-]{24,}", f"GOCSPX-{_letters(28)}"),
    _t("google_refresh", "Google", "1//0", r"[\w-]{30,}", f"1//0{_letters(40)}"),
    _t("slack", "Slack", "xox[abeoprs]-", r"[\w-]{10,}", f"xoxb-1234567890-{_letters(24)}"),
    _t("slack_app", "Slack", r"xapp-\d-", r"[\w-]{20,}", f"xapp-1-A01-{_letters(30)}"),
    Token(
        "slack_webhook",
        "Slack",
        r"hooks\.slack\.com/",
        r"(?:https?://)?hooks\.slack\.com/(?:services|workflows|triggers)/[\w/+-]{20,}",
        f"https://hooks.slack.com/services/T01/B01/{_letters(24)}",
        "https://hooks.slack.com/services",
    ),
    _t("stripe", "Stripe", "[sr]k_(?:live|test|prod)_", "[0-9A-Za-z]{10,}", f"sk_live_{_letters(24)}"),
    _t("webhook_secret", "Stripe, Svix", "whsec_", r"[0-9A-Za-z+/=]{20,}", f"whsec_{_letters(32)}"),
    _t("npm", "npm", "npm_", "[0-9A-Za-z]{36}", f"npm_{_letters(36)}", "npm_config_registry"),
    _t("pypi", "PyPI", "pypi-Ag", r"[\w-]{50,}", f"pypi-AgEIcHlwaS5vcmc{_letters(60)}"),
    _t("sendgrid", "SendGrid", r"SG\.", r"[\w-]{16,32}\.[\w-]{16,64}", f"SG.{_letters(22)}.{_letters(43)}"),
    _t("twilio", "Twilio", "(?:SK|AC)[0-9A-Fa-f]", "[0-9A-Fa-f]{31}", f"SK{_hex(32)}"),
    _t(
        "huggingface",
        "Hugging Face",
        "(?:hf|api_org)_",
        "[0-9A-Za-z]{30,}",
        f"hf_{_letters(34)}",
        "hf_transformers_cache_directory_path",
    ),
    Token(
        "azure_account_key",
        "Azure",
        "(?:Account|SharedAccess|Access)Key=",
        r"(?:Account|SharedAccess|Access)Key=([0-9A-Za-z+/]{40,}={0,2})",
        f"AccountKey={_letters(86)}==",
        "AccountKey=<key>",
    ),
    Token(
        "azure_sas", "Azure", r"[?&]sig=", r"[?&]sig=([0-9A-Za-z%+/=-]{40,})", f"?sv=2024&sig={_letters(43)}%3D", "?sig=none"
    ),
    Token("azure_client_secret", "Azure", r"\dQ~", r"[\w~.-]{3}\dQ~[\w~.-]{31,34}", f"abc8Q~{_letters(34)}", "8Q~short"),
    Token("telegram", "Telegram", r"\d:AA[\w-]", r"\d{8,10}:AA[\w-]{33}", f"110201543:AA{_letters(33)}", "arn:1234:AAA"),
    Token(
        "discord",
        "Discord",
        r"[\w-]\.[\w-]{6}\.[\w-]{6}",
        r"[\w-]{23,28}\.[\w-]{6}\.[\w-]{27,38}",
        f"M{_letters(23)}.Gab3xy.{_letters(38)}",
        "org.apache.hadoop.mapreduce",
    ),
    Token(
        "discord_webhook",
        "Discord",
        r"/api/webhooks/\d",
        r"(?:https?://)?(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/[\w-]{40,}",
        f"https://discord.com/api/webhooks/1/{_letters(68)}",
        "discord.com/api/webhooks/1/x",
    ),
    Token("mailchimp", "Mailchimp", r"[0-9a-f]-us\d", r"[0-9a-f]{32}-us\d{1,2}", f"{_hex(32)}-us12", "a2937653-us2"),
    _t("mailgun", "Mailgun", "(?:key|pubkey)-[0-9a-f]", "[0-9a-f]{31}", f"key-{_hex(32)}", "key-value"),
    _t("square", "Square", "sq0[a-z]{3}-", r"[\w\\-]{22,}", f"sq0csp-{_letters(43)}"),
    _t("square_access", "Square", "EAAA", r"[\w-]{56,64}", f"EAAA{_letters(60)}"),
    _t("shopify", "Shopify", "shp(?:at|ca|pa|ss)_", "[0-9A-Fa-f]{32}", f"shpat_{_hex(32)}"),
    _t("digitalocean", "DigitalOcean", "do[opr]_v1_", "[0-9a-f]{64}", f"dop_v1_{_hex(64)}"),
    _t("doppler", "Doppler", r"dp\.(?:pt|st|sa|ct|scim|audit)\.", r"[\w.-]{40,}", f"dp.pt.{_letters(43)}"),
    _t("databricks", "Databricks", "dapi[0-9a-f]", "[0-9a-f]{31}(?:-[0-9])?", f"dapi{_hex(32)}", "dapi-documentation"),
    _t("grafana", "Grafana", "gl(?:sa|c)_", r"[0-9A-Za-z+/_=]{32,}", f"glsa_{_letters(32)}_{_hex(8)}"),
    _t("vault", "HashiCorp Vault", r"hv[sbr]\.", r"[\w-]{24,}", f"hvs.{_letters(90)}"),
    Token(
        "terraform",
        "Terraform Cloud",
        r"\.atlasv1\.",
        r"[0-9A-Za-z]{14}\.atlasv1\.[\w=-]{60,}",
        f"{_letters(14)}.atlasv1.{_letters(67)}",
        "x.atlasv1.y",
    ),
    _t("linear", "Linear", "lin_(?:api|oauth)_", "[0-9A-Za-z]{32,}", f"lin_api_{_letters(40)}"),
    _t(
        "notion",
        "Notion",
        "(?:ntn|secret)_",
        "[0-9A-Za-z]{40,}",
        f"ntn_{_letters(46)}",
        "secret_manager_rotation_lambda_function_names",
    ),
    _t("postman", "Postman", "PMAK-", r"[0-9A-Za-z-]{50,}", f"PMAK-{_hex(24)}-{_hex(34)}"),
    _t("pulumi", "Pulumi", "pul-[0-9a-f]", "[0-9a-f]{39}", f"pul-{_hex(40)}", "pul-up"),
    _t("rubygems", "RubyGems", "rubygems_", "[0-9a-f]{48}", f"rubygems_{_hex(48)}"),
    _t("sentry", "Sentry", "sntry[su]_", r"[\w+/=.-]{40,}", f"sntrys_{_letters(60)}"),
    _t("new_relic", "New Relic", "NR(?:AK|II|JS|RA|AA|AL)-", r"[0-9A-Za-z-]{19,}", f"NRAK-{_letters(27).upper()}"),
    _t("perplexity", "Perplexity", "pplx-", "[0-9A-Za-z]{32,}", f"pplx-{_letters(48)}"),
    _t("groq", "Groq", "gsk_", "[0-9A-Za-z]{40,}", f"gsk_{_letters(52)}"),
    _t("xai", "xAI", "xai-", r"[\w-]{60,}", f"xai-{_letters(80)}"),
    _t("replicate", "Replicate", "r8_", "[0-9A-Za-z]{37}", f"r8_{_letters(37)}"),
    _t(
        "langsmith",
        "LangSmith",
        "(?:lsv2_(?:pt|sk)|ls__)_?",
        "[0-9a-f]{32}(?:_[0-9a-f]{10})?",
        f"lsv2_pt_{_hex(32)}_{_hex(10)}",
    ),
    _t("langfuse", "Langfuse", "sk-lf-", r"[0-9a-f-]{36}", f"sk-lf-{_hex(8)}-{_hex(4)}-{_hex(4)}-{_hex(4)}-{_hex(12)}"),
    _t("tavily", "Tavily", "tvly-", r"[\w-]{20,}", f"tvly-{_letters(32)}"),
    _t("pinecone", "Pinecone", "pcsk_", r"\w{40,}", f"pcsk_{_letters(70)}"),
    _t("supabase", "Supabase", "sb[pv]_|sb_secret_", r"[\w-]{30,}", f"sbp_{_hex(40)}"),
    _t("facebook", "Meta", "EAA[A-Z]", "[0-9A-Za-z]{80,}", f"EAAM{_letters(100)}"),
    _t("dropbox", "Dropbox", r"sl\.[\w-]", r"[\w-]{120,}", f"sl.{_letters(140)}", "sl.u"),
    _t("figma", "Figma", "fig[dour]_", r"[\w-]{38,}", f"figd_{_letters(40)}", "figd_of_speech_in_the_novel_and_of_its_meaning"),
    _t(
        "airtable",
        "Airtable",
        r"pat[0-9A-Za-z]{14}\.",
        "[0-9a-f]{64}",
        f"pat{_letters(14)}.{_hex(64)}",
        "pattern.search",
    ),
    _t("atlassian", "Atlassian", "AT(?:ATT|BB|CTT)3?x?F?", r"[\w=-]{24,}", f"ATATT3xFf{_letters(120)}"),
    _t("docker", "Docker Hub", "dckr_(?:pat|oat)_", r"[\w-]{27,}", f"dckr_pat_{_letters(27)}"),
    _t("fly", "Fly.io", "(?:fo1_|fm[12]r?_)", r"[\w+/=-]{40,}", f"fo1_{_letters(43)}"),
    _t("planetscale", "PlanetScale", "pscale_(?:tkn|pw|oauth)_", r"[\w.=-]{32,}", f"pscale_tkn_{_letters(40)}"),
    _t("age", "age", "AGE-SECRET-KEY-1", "[0-9A-Z]{58}", f"AGE-SECRET-KEY-1{_letters(58).upper()}"),
    _t("clojars", "Clojars", "CLOJARS_", "[0-9a-zA-Z]{60}", f"CLOJARS_{_hex(60)}"),
    _t("easypost", "EasyPost", "EZ[AT]K", "[0-9A-Za-z]{54}", f"EZAK{_letters(54)}"),
    _t("duffel", "Duffel", "duffel_(?:test|live)_", r"[\w=-]{43}", f"duffel_live_{_letters(43)}"),
    _t(
        "dynatrace",
        "Dynatrace",
        r"dt0[a-z]\d\d\.",
        r"[0-9A-Z]{24}\.[0-9A-Z]{64}",
        f"dt0c01.{_letters(24).upper()}.{_letters(64).upper()}",
    ),
    _t("frameio", "Frame.io", "fio-u-", r"[\w=-]{64}", f"fio-u-{_letters(64)}"),
    Token(
        "mapbox", "Mapbox", r"[sp]k\.eyJ", r"[sp]k\.eyJ[\w-]{20,}\.[\w-]{20,}", f"sk.eyJ{_letters(60)}.{_letters(22)}", "pk.eyJ"
    ),
    _t("shippo", "Shippo", "shippo_(?:live|test)_", "[0-9A-Fa-f]{40}", f"shippo_live_{_hex(40)}"),
    _t("sourcegraph", "Sourcegraph", "sg[pd]_", r"[0-9a-zA-Z_]{40,}", f"sgp_{_hex(40)}"),
    _t("prefect", "Prefect", "pn[bu]_", "[0-9A-Za-z]{36}", f"pnu_{_letters(36)}"),
    _t("readme", "ReadMe", "rdme_", "[0-9a-z]{70}", f"rdme_{_hex(70)}"),
    _t("scalingo", "Scalingo", "tk-us-", r"[\w-]{48}", f"tk-us-{_letters(48)}"),
    _t("brevo", "Brevo", "x(?:keysib|smtpsib)-", r"[0-9A-Za-z-]{60,}", f"xkeysib-{_hex(64)}-{_letters(16)}"),
    _t("adobe", "Adobe", "p8e-", "[0-9A-Za-z]{32}", f"p8e-{_letters(32)}"),
    _t("alibaba", "Alibaba Cloud", "LTAI", "[0-9A-Za-z]{17,21}", f"LTAI{_letters(20)}"),
    _t("jfrog", "JFrog", "(?:AKCp|cmVmd)", r"[0-9A-Za-z]{59,69}", f"AKCp{_letters(69)}"),
    _t("openshift", "OpenShift", "sha256~", r"[\w-]{43}", f"sha256~{_letters(43)}"),
    _t("contentful", "Contentful", "CFPAT-", r"[\w-]{43,}", f"CFPAT-{_letters(43)}"),
    _t(
        "cloudflare_ca",
        "Cloudflare",
        r"v1\.0-[0-9a-f]",
        r"[0-9a-f]{23}-[0-9a-f]{146}",
        f"v1.0-{_hex(24)}-{_hex(146)}",
        "v1.0-alpha",
    ),
    _t("typeform", "Typeform", "tfp_", r"[\w.=-]{40,}", f"tfp_{_letters(59)}"),
    _t("infracost", "Infracost", "ico-", "[0-9A-Za-z]{32}", f"ico-{_letters(32)}"),
    Token(
        "microsoft_webhook",
        "Microsoft Teams",
        r"\.webhook\.office\.com/",
        r"(?:https?://)?[\w-]{1,60}\.webhook\.office\.com/webhookb2/[\w@/-]{60,}",
        f"https://acme.webhook.office.com/webhookb2/{_letters(70)}",
        "https://acme.webhook.office.com/webhookb2/x",
    ),
    Token(
        "facebook_app",
        "Meta",
        r"\d{15}\|[\w-]{20}",
        r"\d{15,16}\|[\w-]{27}",
        f"{_digits(16)}|{_letters(27)}",
        f"{_digits(16)}|count",
    ),
    _t(
        "twitter_bearer",
        "X",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "[0-9A-Za-z%]{0,80}[b-zB-Z0-9%][0-9A-Za-z%]{40,200}",
        f"{'A' * 22}{_letters(80)}",
        "A" * 100,
    ),
    Token(
        "bundle_contribsys",
        "Sidekiq",
        "BUNDLE_(?:ENTERPRISE|GEMS)__CONTRIBSYS__COM",
        r"BUNDLE_(?:ENTERPRISE|GEMS)__CONTRIBSYS__COM\w{0,10}[^\w\n\x00]{1,16}([0-9A-Fa-f]{8}:[0-9A-Fa-f]{8})",
        f"BUNDLE_ENTERPRISE__CONTRIBSYS__COM: {_hex(8)}:{_hex(8)}",
        "BUNDLE_ENTERPRISE__CONTRIBSYS__COM: ${SIDEKIQ}",
    ),
    Token(
        "artifactory",
        "Artifactory",
        "AP[0-9A-F][0-9A-Za-z]|AKC[0-9A-Za-z]",
        "(?:AP[0-9A-F]|AKC)[0-9A-Za-z]{0,40}(?:[0-9][A-Za-z]{0,20}[a-z]|[a-z][A-Za-z]{0,20}[0-9])[0-9A-Za-z]{6,}",
        f"AP5{_letters(22)}",
        "APACHESERVERS and AKCELERATION",
    ),
    Token(
        "softlayer_url",
        "SoftLayer",
        r"api\.softlayer\.com/",
        r"api\.softlayer\.com/soap/v3(?:\.1)?/([0-9A-Za-z]{40,})",
        f"http://api.softlayer.com/soap/v3/{_hex(64)}",
        "http://api.softlayer.com/soap/v3/SoftLayer_Account",
    ),
    _t("one_password", "1Password", "ops_eyJ", r"[0-9A-Za-z+/=]{100,}", f"ops_eyJ{_letters(180)}"),
    _t("heroku", "Heroku", "HRKU-", r"[\w-]{36,}", f"HRKU-AA{_letters(58)}"),
    _t("wandb", "Weights & Biases", "wandb_v1_", r"[\w-]{40,}", f"wandb_v1_{_letters(60)}"),
    _t("fireworks", "Fireworks", "fw_", "[0-9A-Za-z]{22,}", f"fw_{_letters(24)}", "fw_version_string_from_config"),
    _t(
        "one_password_key",
        "1Password",
        "A3-[0-9A-Z]",
        r"[0-9A-Z]{5}-[0-9A-Z-]{28,}",
        "A3-A1B2C3-D4E5F6-G7H8I-J9K0L-M1N2O-P3Q4R",
        "A3-size",
    ),
    _t("bedrock", "AWS", "ABSK", "[0-9A-Za-z+/]{100,}={0,2}", f"ABSK{_letters(120)}"),
    _t("bedrock_session", "AWS", "bedrock-api-key-", "[0-9A-Za-z+/=]{20,}", f"bedrock-api-key-{_letters(80)}"),
    _t(
        "authress",
        "Authress",
        "(?:sc|ext|scauth|authress)_[0-9a-z]",
        r"[0-9a-z]{4,30}\.[0-9a-z]{4,6}\.acc[_-][0-9a-z-]{10,32}\.[\w+/=-]{30,}",
        f"sc_a1b2c3.d4e5.acc-{_hex(16)}.{_letters(40)}",
        "sc_a1b2c3",
    ),
    _t("clickhouse", "ClickHouse Cloud", "4b1d", "[0-9A-Za-z]{38}", f"4b1d{_letters(38)}"),
    _t("flutterwave", "Flutterwave", "FLW(?:SEC|PUB)K_TEST-", "[0-9A-Za-z]{12,}(?:-X)?", f"FLWSECK_TEST-{_hex(32)}-X"),
    _t("gitlab_session", "GitLab", "_gitlab_session=", "[0-9a-z]{32}", f"_gitlab_session={_hex(32)}"),
    _t(
        "harness",
        "Harness",
        r"[ps]at\.[\w-]",
        r"[\w-]{21}\.[0-9A-Za-z]{24}\.[0-9A-Za-z]{20}",
        f"pat.{_letters(22)}.{_letters(24)}.{_letters(20)}",
        "pat.on",
    ),
    _t("intra42", "42", "s-s4t2(?:ud|af)-", "[0-9a-f]{64}", f"s-s4t2ud-{_hex(64)}"),
    _t("octopus", "Octopus Deploy", "API-[0-9A-Z]", "[0-9A-Z]{25}", f"API-{_letters(26).upper()}", "API-REFERENCE"),
    Token("maxmind", "MaxMind", "_mmk", r"[0-9A-Za-z]{6}_[0-9A-Za-z]{29}_mmk", f"{_letters(6)}_{_letters(29)}_mmk", "a_b_mmk"),
    _t("settlemint", "SettleMint", "sm_[aps]at_", "[0-9A-Za-z]{16}", f"sm_pat_{_letters(16)}"),
    _t("sonar", "Sonar", "sq[apu]_", "[0-9a-f]{40}", f"squ_{_hex(40)}"),
    _t("yandex", "Yandex Cloud", "(?:AQVN|YC)", r"[\w-]{35,38}", f"AQVN{_letters(36)}"),
    _t(
        "yandex_iam",
        "Yandex Cloud",
        r"t1\.[0-9A-Z]",
        r"[\w-]+={0,2}\.[\w-]{80,90}={0,2}",
        f"t1.9{_letters(20)}.{_letters(86)}",
        "t1.9x",
    ),
    _t("nebula", "Defined Networking", "dnkey-", r"[\w=-]{26}-[\w=-]{52}", f"dnkey-{_letters(26)}-{_letters(52)}"),
    _t("nvidia", "NVIDIA", "nvapi-", r"[\w-]{40,}", f"nvapi-{_letters(64)}"),
    _t("jina", "Jina", "jina_", r"[\w-]{40,}", f"jina_{_letters(60)}"),
    _t("e2b", "E2B", "e2b_", "[0-9a-f]{40}", f"e2b_{_hex(40)}"),
    _t(
        "resend",
        "Resend",
        "re_[0-9A-Za-z]",
        r"[0-9A-Za-z]{6,8}_[0-9A-Za-z]{20,}",
        f"re_{_letters(8)}_{_letters(24)}",
        "re_compile_pattern",
    ),
)

VENDORS: Final = (
    *tuple(
        Detector(
            name=token.name,
            type="SECRET",
            reason=f"{token.vendor}: a key or token with a form of its own.",
            pattern=token.pattern,
            trigger=token.trigger,
            judge=_token,
            rank=Rank.VENDOR_SECRET,
            example=token.example,
            counter_example=token.counter_example,
        )
        for token in _TOKENS
    ),
)
"""Detectors of vendors' keys and tokens."""
