"""Verifies an OpenID Connect token: what it proves about the principal is recorded as verified, not as said."""

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from .errors import TokenRefused
from .serialise import text_of
from .settings import ProducerSettings

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""Signatures that are accepted: never a symmetric one, whose key a verifier could sign with, and never none."""

_FETCH_SECONDS = 5
_KEYS_LIVE_SECONDS = 300
_MAX_REASON = 200


def verify(token: str, settings: ProducerSettings) -> dict[str, Any]:
    """Return the fields of an Identity that a token proves: its subject, issuer, id and roles.

    Checked are signature, algorithm, issuer, audience, expiry and not-before. A token that one party holds for another
    (RFC 8693, `act`) names the acting one as principal. Raises TokenRefused, which says why and never shows the token.
    """
    jwt = _pyjwt()
    issuer, audience, keys = settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks
    if not (issuer and audience and keys):
        raise TokenRefused("set LANGTRAIL_OIDC_ISSUER, LANGTRAIL_OIDC_AUDIENCE and LANGTRAIL_OIDC_JWKS to verify a token")
    try:
        key = _signing_key(jwt, token, keys)
        claims = jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            issuer=issuer,
            audience=[name.strip() for name in audience.split(",")],
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(f"the token was refused: {' '.join(str(error).split())[:_MAX_REASON]}") from None
    except TypeError:
        raise TokenRefused("the token was refused: the key that it names is of another kind than its signature") from None
    except (OSError, ValueError) as error:
        raise TokenRefused(f"LANGTRAIL_OIDC_JWKS cannot be read ({type(error).__name__})") from None
    return _identity(claims, issuer)


def _pyjwt() -> ModuleType:
    """PyJWT is an extra: nobody who gives no tokens needs it."""
    try:
        return import_module("jwt")
    except ImportError:
        raise TokenRefused("a token is verified with PyJWT; install it: pip install 'langtrail[oidc]'") from None


def _signing_key(jwt: ModuleType, token: str, keys: str) -> Any:
    """Return the key that the token names; the only one, where it names none. An unknown one makes the keys be read again."""
    header = jwt.get_unverified_header(token)
    if header.get("alg") not in ALGORITHMS:
        raise jwt.InvalidAlgorithmError(f"it is not signed with one of {', '.join(ALGORITHMS)}")
    if urlsplit(keys).scheme in ("http", "https"):
        return _remote(keys).get_signing_key(header["kid"]).key if "kid" in header else _only(_remote(keys).get_signing_keys())
    known = jwt.PyJWKSet.from_json(Path(keys).expanduser().read_text()).keys
    if "kid" not in header:
        return _only(known)
    found = next((key for key in known if key.key_id == header["kid"]), None)
    if found is None:
        raise jwt.PyJWKClientError("it is signed with a key that LANGTRAIL_OIDC_JWKS does not have")
    return found.key


@lru_cache(maxsize=8)
def _remote(address: str) -> Any:
    return _pyjwt().PyJWKClient(address, lifespan=_KEYS_LIVE_SECONDS, timeout=_FETCH_SECONDS)


def _only(keys: list[Any]) -> Any:
    if len(keys) != 1:
        raise TokenRefused("the token was refused: it does not say which key it is signed with")
    return keys[0].key


def _identity(claims: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    actor = claims.get("act")
    acting = actor.get("sub") if isinstance(actor, Mapping) else None
    if not text_of(claims["sub"]).strip() or (acting is not None and not text_of(acting).strip()):
        raise TokenRefused("the token was refused: its subject is blank")
    token_id = claims.get("jti")
    proved = {
        "principal_id": text_of(acting or claims["sub"]),
        "principal_type": "service" if acting or _is_client(claims) else "human",
        "identity_assurance": "verified",
        "auth_issuer": issuer,
        "token_id": None if token_id is None else text_of(token_id),
        "roles": tuple(text_of(role) for role in _roles(claims)),
    }
    return {**proved, "on_behalf_of": text_of(claims["sub"])} if acting else proved


def _is_client(claims: Mapping[str, Any]) -> bool:
    """Tell whether the token was given to a program for itself, as the usual issuers mark it."""
    return (
        claims.get("idtyp") == "app"
        or claims.get("gty") == "client-credentials"
        or claims["sub"] in (claims.get("client_id"), claims.get("azp"))
    )


def _roles(claims: Mapping[str, Any]) -> list[Any]:
    """Return the roles, from where the usual issuers put them."""
    realm = claims.get("realm_access")
    for found in (claims.get("roles"), realm.get("roles") if isinstance(realm, Mapping) else None, claims.get("groups")):
        if isinstance(found, (list, str)):
            return [found] if isinstance(found, str) else found
    return []
