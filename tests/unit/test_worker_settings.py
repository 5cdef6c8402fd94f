"""What the worker reads from the environment, and how librdkafka's security settings reach Faust."""

import ssl
from pathlib import Path

import faust
import pytest

from langtrail.processors.kafka_security import credentials
from langtrail.processors.worker_settings import WorkerSettings
from langtrail.schemas import DataKey, generate_private_key, public_key_of
from langtrail.schemas.settings import SettingsError, load_settings


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Every wrong variable is named, and no value is quoted."""
    keys = tmp_path / "keys"
    keys.write_text("c2VjcmV0\n")
    wrong = {
        "LANGTRAIL_PRIVATE_KEY_FILE": str(keys),
        "LANGTRAIL_KAFKA_CONFIG_FILE": str(tmp_path / "absent"),
        "LANGTRAIL_WORKER_PORT": "70000",
    }
    with pytest.raises(SettingsError) as error:
        load_settings(WorkerSettings, wrong)
    for variable in ("LANGTRAIL_BOOTSTRAP_SERVERS", *wrong):
        assert variable in str(error.value)
    assert "c2VjcmV0" not in str(error.value)


def test_a_key_file_may_have_comments_and_old_keys(tmp_path: Path) -> None:
    """Every key of the file opens what was sealed for it."""
    keys = [generate_private_key(), generate_private_key()]
    file = tmp_path / "keys"
    file.write_text(f"# new\n{keys[0]}\n\n# old\n {keys[1]} \n")
    settings = load_settings(WorkerSettings, {"LANGTRAIL_BOOTSTRAP_SERVERS": "a:1", "LANGTRAIL_PRIVATE_KEY_FILE": str(file)})
    for key in keys:
        data_key = DataKey.generate([public_key_of(key)])
        assert settings.private_keys.open(data_key.header, data_key.seal(b"x", b""), b"") == b"x"
    assert keys[0] not in repr(settings)


def test_a_key_file_without_a_key_is_a_mistake(tmp_path: Path) -> None:
    """An empty file is more likely a broken mount than the wish to open nothing."""
    file = tmp_path / "keys"
    file.write_text("# none\n")
    with pytest.raises(SettingsError, match="LANGTRAIL_PRIVATE_KEY_FILE"):
        load_settings(WorkerSettings, {"LANGTRAIL_BOOTSTRAP_SERVERS": "a:1", "LANGTRAIL_PRIVATE_KEY_FILE": str(file)})


def test_plain_text_needs_no_credentials() -> None:
    """Without security settings Faust speaks plain text."""
    assert credentials({}) is None
    assert credentials({"security.protocol": "PLAINTEXT"}) is None


def test_sasl_settings_reach_faust() -> None:
    """User, password and mechanism are the same for both Kafka clients; sasl_ssl adds TLS."""
    properties = {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "u", "sasl.password": "p"}
    plain = credentials(properties | {"security.protocol": "sasl_plaintext"})
    tls = credentials(properties | {"security.protocol": "SASL_SSL"})
    assert isinstance(plain, faust.SASLCredentials)
    assert isinstance(tls, faust.SASLCredentials)
    assert (plain.username, plain.password, plain.mechanism.value, plain.protocol.value) == (
        "u",
        "p",
        "SCRAM-SHA-512",
        "SASL_PLAINTEXT",
    )
    assert tls.protocol.value == "SASL_SSL"
    assert tls.ssl_context is not None
    assert tls.ssl_context.verify_mode == ssl.CERT_REQUIRED


def test_tls_verification_follows_the_properties() -> None:
    """The host's name is checked unless the properties say otherwise, the certificate too."""
    strict = credentials({"security.protocol": "ssl"})
    any_host = credentials({"security.protocol": "ssl", "ssl.endpoint.identification.algorithm": "none"})
    anything = credentials({"security.protocol": "ssl", "enable.ssl.certificate.verification": "false"})
    modes = [
        (c.context.check_hostname, c.context.verify_mode)
        for c in (strict, any_host, anything)
        if isinstance(c, faust.SSLCredentials)
    ]
    assert modes == [(True, ssl.CERT_REQUIRED), (False, ssl.CERT_REQUIRED), (False, ssl.CERT_NONE)]


@pytest.mark.parametrize(
    "properties",
    [
        {"security.protocol": "carrier-pigeon"},
        {"security.protocol": "sasl_ssl", "sasl.mechanism": "GSSAPI"},
        {"security.protocol": "sasl_plaintext"},
        {"security.protocol": "ssl", "ssl.ca.location": "/nowhere/ca.pem"},
    ],
    ids=str,
)
def test_what_faust_cannot_do_is_said(properties: dict[str, str]) -> None:
    """Settings that only librdkafka understands are refused at the start, by the variable's name."""
    with pytest.raises(SettingsError, match="LANGTRAIL_KAFKA_CONFIG_FILE"):
        credentials(properties)
