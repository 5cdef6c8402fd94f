"""What names of fields say about their values."""

import pytest

from langtrail.processors import key_words
from langtrail.processors.engine_re2 import PatternSet, encode
from langtrail.processors.key_rules import TRIGGER, is_placeholder, rule_of, words_of

SAYS = {
    "SECRET": "password dbPass db_pass userPassword PASSWORD passwd2 api_key apiKey APIKey X-Api-Key x-jfrog-art-api"
    " OPENAI_API_KEY Proxy-Authorization"
    " IBMCLOUDIAMAPIKEY authorization access_token refreshToken _authToken id_token client_secret"
    " aws_secret_access_key secret_key_base password_confirmation privateKey passphrase credentials connection_string"
    " pin cvv otp"
    " Set-Cookie cookies token key sl_key webhook_token contraseña 密码",
    "PHONE": "phone phoneNumber home_phone mobile_no fax Telefon contact_number cell phone_2 phones"
    " mobilnummer tlf_nr nomor_hp telefonní_číslo cepTelefonu recapitoTelefonico matkapuhelin κινητό телефон 電話番号 هاتف sđt",
    "US_SSN": "ssn social_security_number socialSecurity SSN",
    "NATIONAL_ID": "passport passport_number national_id taxId drivers_license_number cpf imei",
    "CREDIT_CARD": "card card_number creditCardNumber cc_number pan",
    "IBAN": "iban IBAN",
    "DATE_OF_BIRTH": "dob date_of_birth birthDate birthday",
    "PERSON": "first_name lastName fullName customer_name surname cardholder_name",
    "ADDRESS": "street home_address billingAddress shipping_address",
    "CRYPTO_WALLET": "wallet_address btcAddress",
    "MAC_ADDRESS": "mac macAddress mac_addr hwaddr BSSID",
}
SAYS_NOTHING = (
    "max_tokens prompt_tokens completion_tokens total_tokens token_count token_ids next_token nextPageToken"
    " continuation_token"
    " eos_token token_type token_usage tokenizer password_policy password_length secret_name key_id api_key_id keyword"
    " keys_count public_key primary_key cache_key partition_key session_id thread_id trace_id run_id name model_name"
    " ls_model_name tool_name address email_address ip_address id value content role type text title"
    " description pinned company mapping routing author"
    " compass bypass line_number page_number order_number cardinality scanner telemetry cellular_automaton"
    " mobile_users phone_model cell_count mobility telefonica handy_tips portable"
)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in SAYS.items() for name in names.split()])
def test_names_that_say_what_their_value_is(kind: str, name: str) -> None:
    """However it is spelled, the words of a name decide."""
    rule = rule_of(name)
    assert rule is not None
    assert rule.type == kind


@pytest.mark.parametrize("name", SAYS_NOTHING.split())
def test_names_that_only_look_so(name: str) -> None:
    """Counters, ids, page tokens and words that contain others say nothing."""
    assert rule_of(name) is None


def test_the_trigger_fires_wherever_a_rule_may_apply() -> None:
    """The prefilter knows every word that the rules know, in every spelling, with a text, a number, a list or an object."""
    triggers = PatternSet({1: TRIGGER})
    phrases = {phrase for group in vars(key_words).values() if isinstance(group, frozenset) for phrase in group}
    names = {name for names in SAYS.values() for name in names.split()} | {f"my_{phrase}" for phrase in phrases} | phrases
    spelled = {form for name in names for form in _spellings(name)}
    for name in spelled:
        if rule_of(name) is not None:
            for value in ('"a1b2c3d4e5f6"', "12345678", '["a1b2c3d4e5f6"]', '{"a":"a1b2c3d4e5f6"}'):
                applies = value[0] != "1" or rule_of(name).numbers  # type: ignore[union-attr] # it was asked for above
                assert not applies or triggers.matching(encode(f'{{"{name}": {value}}}')), (name, value)


def _spellings(name: str) -> set[str]:
    words = words_of(name)
    camel = words[0] + "".join(word.capitalize() for word in words[1:]) if words else name
    return {
        name,
        name.upper(),
        "-".join(words),
        " ".join(words),
        camel,
        camel[:1].upper() + camel[1:],
        f"{name}_1",
        f"{name}Value",
    }


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "null",
        "None",
        "***",
        "xxxx",
        "${DB_PASSWORD}",
        "$PASSWORD",
        "{{ token }}",
        "<your key>",
        "%s",
        "[SECRET]",
        "[REDACTED]",
        "OPENAI_API_KEY",
        "'${X}'",
        "true",
        "-",
    ],
)
def test_values_that_stand_for_one(value: str) -> None:
    """Empty, masked, variables and templates are no secrets."""
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["hunter2", "correct horse", "P4$$w0rd", "a", "12345", "$ecret!1 x"])
def test_values_that_are_one(value: str) -> None:
    """Short, simple and odd ones are secrets all the same."""
    assert not is_placeholder(value)


def test_words_of_a_name() -> None:
    """camelCase, snake_case, kebab-case, abbreviations and digits are told apart."""
    assert words_of("myAPIKey2_old-value") == ["my", "api", "key", "2", "old", "value"]
    assert words_of("") == []
