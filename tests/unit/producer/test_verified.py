"""A token is verified where it is given: what it proves is recorded as verified, and one that does not hold is refused."""

import asyncio
import http.server
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from langchain_core.runnables import RunnableConfig, RunnableLambda

from langtrail.producer import AuditCallbackHandler, ProducerSettings, SettingsError, TokenRefused, audit_context, verified
from langtrail.producer.identity import inherit, resolve
from langtrail.producer.scope import current_scope
from tests.unit.producer.trail import Trail

ISSUER, AUDIENCE = "https://login.example", "langtrail"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
KEYS: dict[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}

Sign = Callable[..., str]


def key_set(*algorithms: str) -> dict[str, Any]:
    """Return the public keys as an issuer publishes them."""
    makers: dict[str, Any] = {
        "RS256": jwt.algorithms.RSAAlgorithm,
        "ES256": jwt.algorithms.ECAlgorithm,
        "EdDSA": jwt.algorithms.OKPAlgorithm,
    }
    keys = []
    for algorithm in algorithms or KEYS:
        key = makers[algorithm].to_jwk(KEYS[algorithm].public_key(), as_dict=True)
        keys.append({**key, "kid": algorithm, "use": "sig", "alg": algorithm})
    return {"keys": keys}


def sign(algorithm: str = "RS256", key: Any = None, header: dict[str, Any] | None = None, **changed: Any) -> str:
    """Return a token of our issuer, with claims changed; a claim that is None is left out."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(time.time()) + 60, "jti": "t-1", **changed}
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, key or KEYS[algorithm], algorithm, headers={"kid": algorithm} if header is None else header)


@pytest.fixture
def issuer(trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Configure an issuer whose keys are in a file."""
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(key_set()))
    monkeypatch.setenv("LANGTRAIL_OIDC_ISSUER", ISSUER)
    monkeypatch.setenv("LANGTRAIL_OIDC_AUDIENCE", f"other, {AUDIENCE}")
    monkeypatch.setenv("LANGTRAIL_OIDC_JWKS", str(keys))
    return keys


def run(**metadata: Any) -> None:
    """Run something with our handler."""
    config: RunnableConfig = {"callbacks": [AuditCallbackHandler()], "metadata": metadata}
    inner: RunnableLambda[int, int] = RunnableLambda(lambda value: value)
    RunnableLambda(inner.invoke).invoke(1, config)


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_what_a_token_proves_is_recorded_as_verified(trail: Trail, issuer: Path, algorithm: str) -> None:
    """Subject, issuer, id and roles, in every event of the run; and no token in the trail."""
    token = sign(algorithm, roles=["auditor", "admin"])
    with audit_context(token=token, tenant_id="acme"):
        run()
    events = [event for event in trail.events() if event["run_id"]]
    assert len(events) == 4
    for event in events:
        assert (event["principal_id"], event["principal_type"], event["tenant_id"]) == ("ann", "human", "acme")
        assert (event["identity_assurance"], event["auth_issuer"], event["token_id"]) == ("verified", ISSUER, "t-1")
        assert event["roles"] == ["auditor", "admin"]
    assert token not in str(trail.events())


def test_nobody_can_be_named_in_place_of_whom_a_token_verified(trail: Trail, issuer: Path) -> None:
    """What metadata says against it is refused, and flagged where it is said first: in a root or in a child."""
    with audit_context(token=sign()):
        run(user_id="mallory")
    root, inner = trail.events("chain_start")
    assert (root["flags"], inner["flags"]) == (["principal_conflict"], [])
    assert {(event["principal_id"], event["identity_assurance"]) for event in (root, inner)} == {("ann", "verified")}
    with audit_context(token=sign()):
        child: RunnableLambda[int, int] = RunnableLambda(lambda value: value)
        named: RunnableConfig = {"metadata": {"user_id": "mallory", "roles": ["root"]}}
        assert (
            inherit({"roles": ["root"]}, {}, resolve({}, {}, ProducerSettings()).identity, current_scope()).identity.roles == ()
        )
        outer: RunnableLambda[int, int] = RunnableLambda(lambda value: child.invoke(value, named))
        outer.invoke(1, {"callbacks": [AuditCallbackHandler()]})
    root, inner = trail.events("chain_start")[2:]
    assert (root["flags"], inner["flags"]) == ([], ["principal_conflict"])
    assert (inner["principal_id"], inner["identity_assurance"], inner["roles"]) == ("ann", "verified", [])


def test_outside_of_its_block_a_token_proves_nothing(trail: Trail, issuer: Path) -> None:
    """The next run is whoever it says."""
    with audit_context(token=sign()):
        pass
    run(user_id="bob")
    assert {event["identity_assurance"] for event in trail.events("chain_start")} == {"asserted"}


def test_a_token_held_for_another_names_both(trail: Trail, issuer: Path) -> None:
    """RFC 8693: who acts is the principal, on behalf of the subject."""
    with audit_context(token=sign(act={"sub": "assistant-7"})):
        run()
    start = trail.events("chain_start")[0]
    assert (start["principal_id"], start["principal_type"], start["on_behalf_of"]) == ("assistant-7", "service", "ann")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"client_id": "ann"}, ("service", [])),
        ({"idtyp": "app"}, ("service", [])),
        ({"realm_access": {"roles": ["r1"]}}, ("human", ["r1"])),
        ({"groups": ["g1"]}, ("human", ["g1"])),
        ({"roles": "r1"}, ("human", ["r1"])),
    ],
)
def test_the_usual_issuers_are_understood(
    trail: Trail, issuer: Path, claims: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    """Where they mark a program's own token, and where they put roles."""
    with audit_context(token=sign(**claims)):
        run()
    start = trail.events("chain_start")[0]
    assert (start["principal_type"], start["roles"]) == expected


def _tampered() -> str:
    head, body, signature = sign().split(".")
    return f"{head}.{body[:-2]}xx.{signature}"


BAD: dict[str, Callable[[], str]] = {
    "expired": lambda: sign(exp=int(time.time()) - 1),
    "not yet valid": lambda: sign(nbf=int(time.time()) + 60),
    "another issuer": lambda: sign(iss="https://evil.example"),
    "another audience": lambda: sign(aud="shop"),
    "no audience": lambda: sign(aud=None),
    "no expiry": lambda: sign(exp=None),
    "no subject": lambda: sign(sub=None),
    "an empty subject": lambda: sign(sub=""),
    "a blank actor": lambda: sign(act={"sub": " "}),
    "another key": lambda: sign(key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "an unknown key": lambda: sign(header={"kid": "unknown"}),
    "no key named among several": lambda: sign(header={}),
    "the key of another algorithm": lambda: sign("RS256", header={"kid": "ES256"}),
    "a symmetric signature": lambda: jwt.encode(
        {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann"}, "x" * 32, "HS256", headers={"kid": "RS256"}
    ),
    "no signature": lambda: jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "sub": "ann"}, None, "none"),  # type: ignore[arg-type]
    "an algorithm we do not take": lambda: (
        sign("RS256", key=RSA, header={"kid": "RS256"}) and jwt.encode({"sub": "ann"}, RSA, "RS512")
    ),
    "tampered": _tampered,
    "nonsense": lambda: "nonsense",
    "nothing": lambda: "",
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_token_that_does_not_hold_is_refused_at_the_with_statement(trail: Trail, issuer: Path, what: str) -> None:
    """The owner's code gets one clear sentence, without the token in it; nothing runs."""
    token = BAD[what]()
    with pytest.raises(TokenRefused, match="the token was refused") as refused, audit_context(token=token):
        pytest.fail("the block was entered")
    assert not token or token not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_single_key_needs_no_name(trail: Trail, issuer: Path) -> None:
    """Small issuers publish one key, and do not name it."""
    issuer.write_text(json.dumps(key_set("ES256")))
    with audit_context(token=sign("ES256", header={})):
        run()
    assert trail.events("chain_start")[0]["identity_assurance"] == "verified"


def test_without_an_issuer_a_token_is_refused(trail: Trail) -> None:
    """The sentence names the variables to set."""
    with pytest.raises(TokenRefused, match="LANGTRAIL_OIDC_ISSUER"), audit_context(token=sign()):
        pass


def test_without_pyjwt_the_sentence_names_the_command(trail: Trail, issuer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyJWT is an extra, and the error says how to get it."""
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(TokenRefused, match=r"pip install 'langtrail\[oidc\]'"), audit_context(token=sign.__name__):
        pass


@pytest.mark.parametrize(
    "value",
    [
        "/no/such/file",
        "http://login.example/keys",
        "https://",
        "https:///keys",
        "https://login.example:99999/keys",
        "https://[::1",
    ],
)
def test_keys_that_cannot_be_trusted_are_refused_at_start(trail: Trail, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A missing file, or keys over a line that anybody can write to."""
    monkeypatch.setenv("LANGTRAIL_OIDC_JWKS", value)
    with pytest.raises(SettingsError, match="LANGTRAIL_OIDC_JWKS"):
        AuditCallbackHandler()


def test_a_file_that_is_no_key_set_is_said_to_be_none(trail: Trail, issuer: Path) -> None:
    """Without showing what is in it."""
    issuer.write_text("not json")
    with pytest.raises(TokenRefused, match="LANGTRAIL_OIDC_JWKS cannot be read"), audit_context(token=sign()):
        pass


class Keys(http.server.BaseHTTPRequestHandler):
    """An issuer's web server."""

    published: dict[str, Any]
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        body = json.dumps(self.published).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def web(issuer: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Keys]]:
    """Publish the keys over HTTP on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    Keys.published, Keys.asked = key_set("RS256"), 0
    monkeypatch.setenv("LANGTRAIL_OIDC_JWKS", f"http://127.0.0.1:{server.server_port}/keys")
    yield Keys
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.network
def test_keys_are_fetched_once_and_again_for_a_new_one(trail: Trail, web: type[Keys]) -> None:
    """An issuer that changes its keys is followed; one that does not is not asked again."""
    for _ in range(3):
        with audit_context(token=sign()):
            pass
    assert web.asked == 1
    web.published = key_set("RS256", "EdDSA")
    client = verified._remote(os.environ["LANGTRAIL_OIDC_JWKS"])
    client._last_successful_fetch -= 60  # PyJWT asks for an unknown key at most twice a minute
    with audit_context(token=sign("EdDSA")):
        pass
    assert web.asked == 2


@pytest.mark.network
def test_an_issuer_that_is_away_is_said_to_be(trail: Trail, web: type[Keys], monkeypatch: pytest.MonkeyPatch) -> None:
    """Within seconds, in one sentence."""
    monkeypatch.setenv("LANGTRAIL_OIDC_JWKS", "http://127.0.0.1:9/keys")
    with pytest.raises(TokenRefused, match="the token was refused"), audit_context(token=sign()):
        pass


@pytest.mark.network
def test_an_async_block_verifies_off_the_loop(trail: Trail, web: type[Keys]) -> None:
    """The loop is not stalled while keys are fetched."""
    names: list[str] = []
    real = verified._remote

    def remote(address: str) -> Any:
        names.append(threading.current_thread().name)
        return real(address)

    async def main() -> None:
        async with audit_context(token=sign()):
            run()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verified, "_remote", remote)
        asyncio.run(main())
    assert names
    assert threading.current_thread().name not in names
    assert trail.events("chain_start")[0]["identity_assurance"] == "verified"
