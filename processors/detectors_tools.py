"""Detectors of keys and tokens of further vendors: models and search, developers' tools, hosting, data, payment, shops."""

from typing import Final

from .vendor_token import detectors_of, hexadecimal, letters, token

_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SAMPLE_UUID: Final = f"{hexadecimal(8)}-{hexadecimal(4)}-{hexadecimal(4)}-{hexadecimal(4)}-{hexadecimal(12)}"

_MODELS: Final = (
    token("baidu", "Baidu AI Cloud", "bce-v3/", r"[\w-]{15,40}/[0-9a-f]{40}", f"bce-v3/ALTAK-{letters(21)}/{hexadecimal(40)}"),
    token("coderabbit", "CodeRabbit", "cr-[0-9a-f]", "[0-9a-f]{49,}", f"cr-{hexadecimal(58)}", "cr-2024"),
    token("cognition", "Cognition", r"\b(?:apk_user|apk|cog)_", r"[\w+/-]{40,}={0,2}", f"cog_{letters(52)}"),
    token(
        "cursor", "Cursor and others", "(?:key|crsr)_[0-9a-f]", "[0-9a-f]{27,63}", f"key_{hexadecimal(64)}", "key_feature_flags"
    ),
    token("friendli", "Friendli AI", "flp_", "[0-9A-Za-z]{40,}", f"flp_{letters(46)}"),
    token("nomic", "Nomic", "nk-[0-9A-Za-z]", r"[\w-]{42}", f"nk-{letters(43)}", "nk-eq"),
    token("runpod", "RunPod", "rpa_[0-9A-Z]", "[0-9A-Za-z]{39,}", f"rpa_{letters(42).upper()}", "rpa_robot"),
    token("vectara", "Vectara", "z[quw]t_", r"[\w-]{36,}", f"zwt_{letters(40)}", "zut_alors"),
    token("volcengine", "Volcengine", "AKLT[0-9A-Za-z]", r"[\w-]{39,}={0,2}", f"AKLT{letters(44)}", "AKLT"),
    token("voyage", "Voyage AI", r"\bpa-[0-9A-Za-z]", r"[\w-]{42}", f"pa-{letters(43)}", "pa-rent"),
)

_DEVELOPMENT: Final = (
    token("aikido", "Aikido", "AIK_(?:SECRET|CI|API)_", r"\w{24,}", f"AIK_SECRET_{letters(64)}"),
    token("axiom", "Axiom", "xa[ap]t-", _UUID, f"xaat-{_SAMPLE_UUID}"),
    token("bitrise", "Bitrise", "bit(?:pat|wat)_", r"[\w-]{20,}", f"bitpat_{letters(40)}"),
    token("checkly", "Checkly", r"\bcu_[0-9a-f]", "[0-9a-f]{31}", f"cu_{hexadecimal(32)}", "cu_seeme"),
    token("configcat", "ConfigCat", "configcat-sdk-[0-9]/", r"[\w/-]{30,}", f"configcat-sdk-1/{letters(22)}/{letters(22)}"),
    token("crates_io", "crates.io", "cio[0-9A-Za-z]", "[0-9A-Za-z]{31}", f"cio{letters(32)}", "ciortolani"),
    token("deno", "Deno Deploy", "dd[opw]_", "[0-9A-Za-z]{36}", f"ddp_{letters(36)}"),
    token("devcycle", "DevCycle", "dvc_", r"(?:server|client|mobile)_[\w-]{20,}", f"dvc_server_{letters(36)}"),
    token("elastic", "Elastic Cloud", "ess[au]_", r"[\w+/-]{40,}={0,2}", f"essu_{letters(80)}"),
    token("endor_labs", "Endor Labs", r"endr\+", r"\w{16,}", f"endr+{letters(16)}"),
    token("honeybadger", "Honeybadger", "hbp_", "[0-9A-Za-z]{36}", f"hbp_{letters(36)}"),
    token("honeycomb", "Honeycomb", "hc[abix](?:ik|mk|lk|k)_", r"\w{26,}", f"hcaik_{letters(58)}"),
    token(
        "infisical",
        "Infisical",
        r"\bst\.[0-9a-f]{24}\.",
        r"[0-9a-f]{32}\.[0-9a-f]{32}",
        f"st.{hexadecimal(24)}.{hexadecimal(32)}.{hexadecimal(32)}",
        "st.paul",
    ),
    token("inngest", "Inngest", "signkey-(?:prod|test|branch)-", "[0-9a-f]{32,}", f"signkey-prod-{hexadecimal(64)}"),
    token("kolide", "Kolide", "k2sk_v1_", r"\w{24,}", f"k2sk_v1_{letters(24)}"),
    token("mergify", "Mergify", "mergify_application_key_", r"[\w-]{40,}", f"mergify_application_key_{letters(64)}"),
    token("ory", "Ory", "ory_(?:a[ct]|apikey|lo|pat|rt|st|wak)_", r"[\w.-]{30,}", f"ory_at_{letters(43)}.{letters(43)}"),
    token("packagist", "Packagist", "packagist_[a-z]{3}_", "[0-9a-f]{20,}", f"packagist_uut_{hexadecimal(68)}"),
    token("one_password_recovery", "1Password", "1PRK-", r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){8,14}", f"1PRK{'-AB12' * 13}"),
    token("plane", "Plane", "plane_api_", "[0-9a-f]{32}", f"plane_api_{hexadecimal(32)}"),
    token("polar", "Polar", r"polar_(?:oat|pat|[abcr][tisc](?:_[uo])?|whs|da|cst)_", r"\w{32,}", f"polar_oat_{letters(43)}"),
    token("rootly", "Rootly", "rootly_", "[0-9a-f]{64}", f"rootly_{hexadecimal(64)}"),
    token("socket", "Socket", "sktsec_", r"[\w-]{30,}", f"sktsec_{letters(44)}_api"),
    token("trello", "Trello", "ATTA[0-9a-f]", "[0-9a-f]{63,}", f"ATTA{hexadecimal(72)}", "ATTACH"),
    token("trigger_dev", "Trigger.dev", r"\btr_(?:dev|prod|stg|pat|preview)_", "[0-9A-Za-z]{20,}", f"tr_prod_{letters(24)}"),
    token("unkey", "Unkey", "unkey_", "[0-9A-Za-z]{20,}", f"unkey_{letters(24)}"),
    token("val_town", "Val Town", "vtwn_", "[0-9A-Za-z]{24,}", f"vtwn_{letters(27)}"),
    token("wakatime", "WakaTime", "waka_(?:tok|sec|ref)?_?[0-9A-Za-z]", r"[\w-]{29,}", f"waka_{_SAMPLE_UUID}", "waka_time"),
    token("zuplo", "Zuplo", "zp(?:ka|pat)_", r"\w{32,}", f"zpka_{hexadecimal(32)}_{hexadecimal(8)}"),
)

_HOSTING: Final = (
    token("aiven", "Aiven", "AVNS_", r"[\w-]{15,}", f"AVNS_{letters(19)}"),
    token("astra", "DataStax Astra", r"AstraCS:", r"[\w-]{16,}:[0-9a-f]{64}", f"AstraCS:{letters(24)}:{hexadecimal(64)}"),
    token("aws_appsync", "AWS", r"\bda2-[0-9a-z]{8}", "[0-9a-z]{18}", f"da2-{letters(26).lower()}", "da2-day"),
    token("amazon_login", "Amazon", r"amzn1\.oa2-cs\.v1\.", "[0-9a-f]{64}", f"amzn1.oa2-cs.v1.{hexadecimal(64)}"),
    token("amazon_mws", "Amazon", r"amzn\.mws\.", _UUID, f"amzn.mws.{_SAMPLE_UUID}"),
    token("cockroach", "CockroachDB Cloud", "CCDB1_", r"\w{20,}", f"CCDB1_{letters(22)}_{letters(40)}"),
    token("daytona", "Daytona", "dtn_", "[0-9a-f]{64}", f"dtn_{hexadecimal(64)}"),
    token("exoscale", "Exoscale", "EXO[0-9a-f]", "[0-9a-f]{23}", f"EXO{hexadecimal(24)}", "EXOdus"),
    token("google_recaptcha", "Google", "6L[c-f][0-9A-Za-z]", r"[\w-]{36}", f"6Lc{letters(37)}", "6Lcm"),
    token("neon", "Neon", "napi_", "[0-9a-z]{60,}", f"napi_{letters(64).lower()}"),
    token("render", "Render", r"\brnd_[0-9A-Za-z]{8}", "[0-9A-Za-z]{20,}", f"rnd_{letters(28)}", "rnd_generator"),
    token("scaleway", "Scaleway", "SCW[0-9A-Z]", "[0-9A-Z]{16}", f"SCW{letters(17).upper()}", "SCWIRE"),
    token("upcloud", "UpCloud", "ucat_", "[0-9A-Z]{26}", f"ucat_{letters(26).upper()}"),
    token("xata", "Xata", "xau_", "[0-9A-Za-z]{36,}", f"xau_{letters(40)}"),
)

_TRADE: Final = (
    token("asaas", "Asaas", r"\$aact_", r"[\w:=+/-]{24,}", f"$aact_prod_{letters(80)}"),
    token("branch", "Branch", "key_(?:live|test)_", "[0-9A-Za-z]{30,}", f"key_live_{letters(32)}"),
    token(
        "ebay",
        "eBay",
        "(?:PRD|SBX)-[0-9a-f]{8}",
        "[0-9a-f]{4}(?:-[0-9a-f]{4}){4}",
        f"PRD-{hexadecimal(12)}-{hexadecimal(4)}-{hexadecimal(4)}-{hexadecimal(4)}-{hexadecimal(4)}",
        "PRD-12",
    ),
    token("klaviyo", "Klaviyo", r"\bpk_[0-9a-f]", "[0-9a-f]{33}", f"pk_{hexadecimal(34)}", "pk_deadbeef"),
    token("mailersend", "MailerSend", r"mlsn\.", "[0-9a-f]{64}", f"mlsn.{hexadecimal(64)}"),
    token("mandrill", "Mandrill", r"\bmd-[0-9A-Za-z]", r"[\w-]{21}", f"md-{letters(22)}", "md-raid"),
    token("mercury", "Mercury and others", "secret-token:", r"[\w%:-]{24,}", f"secret-token:mercury_production_{letters(40)}"),
    token("midtrans", "Midtrans", "Mid-[cs]", r"(?:erver|lient)-[\w-]{16,}", f"Mid-server-{letters(24)}"),
    token("nylas", "Nylas", "nyk_v0_", r"\w{30,}", f"nyk_v0_{letters(64)}"),
    token(
        "onfido",
        "Onfido",
        r"api_(?:live|sandbox)(?:_[a-z]{2})?\.",
        r"[\w-]{8,}\.[\w-]{24,}",
        f"api_live.{letters(11)}.{letters(32)}",
    ),
    token("paddle", "Paddle", "pdl_", r"\w{40,}", f"pdl_live_apikey_{letters(26)}_{letters(22)}_AaB"),
    token("persona", "Persona", "persona_", r"(?:production|sandbox)_[\w-]{30,}", f"persona_production_{_SAMPLE_UUID}"),
    token("pinterest", "Pinterest", "pin[acr]_", r"\w{32,}", f"pina_{letters(60).upper()}"),
    token("plaid", "Plaid", "access-[sdp]", f"(?:andbox|evelopment|roduction)-{_UUID}", f"access-sandbox-{_SAMPLE_UUID}"),
    token("rainforest", "Rainforest", "apikey_", "[0-9a-f]{32,}", f"apikey_{hexadecimal(64)}"),
    token("ramp", "Ramp", "ramp_(?:sec|id|tok|business_tok)_", r"\w{30,}", f"ramp_sec_{letters(48)}"),
    token("riot", "Riot Games", "RGAPI-", _UUID, f"RGAPI-{_SAMPLE_UUID}"),
    token("samsara", "Samsara", "samsara_api_", r"\w{24,}", f"samsara_api_{letters(30)}"),
    token("vk", "VK", r"vk1\.a\.", r"[\w-]{60,}", f"vk1.a.{letters(120)}"),
    token("woocommerce", "WooCommerce", r"\bc[ks]_[0-9a-f]", "[0-9a-f]{39}", f"ck_{hexadecimal(40)}", "ck_editor"),
    token("xendit", "Xendit", "xnd_", r"(?:public_)?(?:development|production)_[\w=-]{20,}", f"xnd_production_{letters(60)}"),
)

TOOLS: Final = detectors_of((*_MODELS, *_DEVELOPMENT, *_HOSTING, *_TRADE))
"""Detectors of further vendors' keys and tokens."""
