"""librdkafka's TLS and SASL properties as Faust's credentials: one file of settings serves both clients of the worker."""

import ssl
from collections.abc import Mapping

import faust
from faust.types.auth import CredentialsT

from langtrail.schemas.settings import SettingsError

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_VARIABLE = "LANGTRAIL_KAFKA_CONFIG_FILE"


def credentials(properties: Mapping[str, str]) -> CredentialsT | None:
    """Return the credentials that the properties describe, None for plain text.

    Raises SettingsError for what Faust cannot do: other mechanisms than PLAIN and SCRAM, unreadable certificates.
    """
    protocol = properties.get("security.protocol", "plaintext").lower()
    if protocol == "plaintext":
        return None
    context = _tls(properties) if protocol in ("ssl", "sasl_ssl") else None
    if protocol == "ssl":
        return faust.SSLCredentials(context)
    if protocol not in ("sasl_plaintext", "sasl_ssl"):
        raise SettingsError(f"{_VARIABLE}: security.protocol must be plaintext, ssl, sasl_plaintext or sasl_ssl")
    mechanism = properties.get("sasl.mechanism", properties.get("sasl.mechanisms", "")).upper()
    if mechanism not in _MECHANISMS:
        raise SettingsError(f"{_VARIABLE}: sasl.mechanism must be one of {', '.join(_MECHANISMS)}")
    return faust.SASLCredentials(
        username=properties.get("sasl.username"),
        password=properties.get("sasl.password"),
        mechanism=mechanism,
        ssl_context=context,
    )


def _tls(properties: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=properties.get("ssl.ca.location"))
        if certificate := properties.get("ssl.certificate.location"):
            context.load_cert_chain(certificate, properties.get("ssl.key.location"), properties.get("ssl.key.password"))
    except OSError as error:
        raise SettingsError(
            f"{_VARIABLE}: a file of ssl.*.location cannot be read ({error.strerror or type(error).__name__})"
        ) from None
    context.check_hostname = properties.get("ssl.endpoint.identification.algorithm", "https") != "none"
    if properties.get("enable.ssl.certificate.verification", "true").lower() == "false":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
