"""Whom effects are told by: Python's audit events, drivers, HTTP clients, and what an application has instrumented."""

import contextlib
import http.client
import http.server
import smtplib
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import sqlalchemy
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from opentelemetry import trace
from opentelemetry.instrumentation import dbapi
from opentelemetry.sdk.trace import TracerProvider

from langtrail.producer import effect_spans
from tests.unit.producer.trail import Trail, ext

Use = Callable[[Any], None]
Told = Callable[..., list[tuple[str, str, str, str]]]


def test_statements_of_sqlalchemy_are_told_once(trail: Trail, database: Path, use: Use, told: Told) -> None:
    """With the driver's own account of them left out, parameters as content and the password hidden."""

    def work() -> str:
        engine = sqlalchemy.create_engine(f"sqlite:///{database}")
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("UPDATE customers SET country = :c WHERE name = :n"), {"c": "FI", "n": "ann"})
        engine.dispose()
        return ""

    use(work)
    assert told("database").count(("database", "UPDATE", "write", "customers")) == 1
    event = next(event for event in trail.events("side_effect") if ext(event).get("operation") == "UPDATE")
    assert event["content"]["input"]["parameters"] == ["FI", "ann"]
    assert event["content"]["input"]["database"].endswith("crm.db")


class Echo(http.server.BaseHTTPRequestHandler):
    """A web server that says yes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST, do_DELETE = do_GET, do_GET  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def web() -> Iterator[str]:
    """Run a web server on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://user:secret@127.0.0.1:{server.server_port}/orders?id=7&api_key=hunter2"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.network
@pytest.mark.parametrize("client", ["urllib", "http.client", "requests", "httpx", "httpx async"])
def test_a_request_of_a_tool_is_an_event_with_method_and_host(
    trail: Trail, web: str, client: str, use: Use, told: Told
) -> None:
    """By whichever client; the address is content, without what is secret in it."""
    place = web.partition("@")[2].partition("/")[0]
    plain = web.replace("user:secret@", "")

    def with_urllib() -> str:
        with urllib.request.urlopen(plain) as response:
            return str(response.status)

    def with_http_client() -> str:
        connection = http.client.HTTPConnection(place)
        connection.request("GET", "/orders?id=7&api_key=hunter2")
        status = connection.getresponse().status
        connection.close()
        return str(status)

    def with_requests() -> str:
        return str(requests.get(web, timeout=10).status_code)

    def with_httpx() -> str:
        return str(httpx.get(web).status_code)

    async def with_httpx_async() -> str:
        async with httpx.AsyncClient() as session:
            return str((await session.get(web)).status_code)

    use(
        {
            "urllib": with_urllib,
            "http.client": with_http_client,
            "requests": with_requests,
            "httpx": with_httpx,
            "httpx async": with_httpx_async,
        }[client]
    )
    assert told("http") == [("http", "GET", "read", place)]
    assert ("connection", "connect", "external", place) in told("connection")
    event = next(event for event in trail.events("side_effect") if ext(event)["kind"] == "http")
    assert event["content"]["input"] == {"url": f"http://{place}/orders?id=7&api_key=[SECRET]"}
    assert event["run_id"] == trail.one("tool_start")["run_id"]
    assert "hunter2" not in str(trail.events("side_effect"))


@pytest.mark.network
def test_what_a_request_does_is_told_by_its_method(trail: Trail, web: str, use: Use, told: Told) -> None:
    """POST writes, DELETE deletes; a body is nobody's business."""

    def work() -> str:
        requests.post(web, data=b"GET /not/a/request HTTP/1.1", timeout=10)
        requests.delete(web, timeout=10)
        return ""

    use(work)
    assert [(operation, effect) for _, operation, effect, _ in told("http")] == [("POST", "write"), ("DELETE", "delete")]


@pytest.mark.network
def test_a_connection_names_the_host_that_was_looked_up(trail: Trail, web: str, use: Use, told: Told) -> None:
    """A socket knows an address; the name was asked for just before."""
    port = int(web.partition("@")[2].partition("/")[0].rpartition(":")[2])

    def work() -> str:
        socket.create_connection(("localhost", port)).close()
        return ""

    use(work)
    assert ("connection", "connect", "external", f"localhost:{port}") in told("connection")


def test_a_program_that_a_tool_starts_is_an_event(trail: Trail, use: Use) -> None:
    """Its name is the resource; its arguments are content, without what is secret in them."""

    def work() -> str:
        subprocess.run([sys.executable, "-c", "pass", "--password", "hunter2", "--api-key=hunter2", "x"], check=True)
        return ""

    use(work)
    (event,) = [event for event in trail.events("side_effect") if ext(event)["kind"] == "process"]
    assert (event["tool_effect"], event["resource"]) == ("external", Path(sys.executable).name)
    assert event["content"]["input"]["arguments"][3:] == ["--password", "[SECRET]", "--api-key=[SECRET]", "x"]


def test_files_that_a_tool_writes_renames_and_removes_are_events(trail: Trail, tmp_path: Path, use: Use, told: Told) -> None:
    """Reading is none; what lies under a secret of nobody is only a path."""
    path = tmp_path / "report.txt"

    def work() -> str:
        path.write_text("x")
        path.read_text()
        path.rename(tmp_path / "final.txt")
        (tmp_path / "final.txt").unlink()
        return ""

    use(work)
    assert told("file") == [
        ("file", "write", "write", str(path)),
        ("file", "rename", "write", str(path)),
        ("file", "delete", "delete", str(tmp_path / "final.txt")),
    ]


@pytest.mark.network
def test_a_mail_is_an_event(trail: Trail, use: Use, told: Told) -> None:
    """Although nobody answers."""

    def work() -> str:
        with contextlib.suppress(OSError):
            smtplib.SMTP("127.0.0.1", 9)
        return ""

    use(work)
    assert ("mail", "connect", "external", "127.0.0.1:9") in told("mail")


@pytest.mark.network
def test_what_a_model_or_retriever_connects_to_is_its_own(trail: Trail, web: str, use: Use) -> None:
    """LangChain's context names only the run around them; the one that runs is known."""
    place = web.partition("@")[2].partition("/")[0]

    class Remote(GenericFakeChatModel):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            httpx.post(web)
            return super()._generate(*args, **kwargs)

    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
            httpx.get(web)
            return []

    def work() -> str:
        Remote(messages=iter([AIMessage("x")])).invoke("hi")
        Shelf().invoke("hi")
        return ""

    use(work)
    requests_made = {
        event["run_id"]: event["resource"] for event in trail.events("side_effect") if ext(event)["kind"] == "http"
    }
    assert requests_made == {trail.one("llm_start")["run_id"]: place, trail.one("retriever_start")["run_id"]: place}


def test_what_an_application_has_instrumented_is_read_from_its_spans(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, use: Use, told: Told
) -> None:
    """A driver that Python's audit events do not show, instrumented with OpenTelemetry by the application."""

    class Cursor:
        def execute(self, *_: Any) -> None: ...

    class Connection:
        def cursor(self) -> Cursor:
            return Cursor()

    class Driver:
        @staticmethod
        def connect(*_: Any, **__: Any) -> Connection:
            return Connection()

    provider = TracerProvider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    wrapped = dbapi.trace_integration
    wrapped(Driver, "connect", "postgresql", tracer_provider=provider)

    def work() -> str:
        Driver.connect(host="db.example", database="crm").cursor().execute("SELECT * FROM accounts JOIN orders ON 1 = 1")
        return ""

    use(work)
    assert told("database") == [("database", "SELECT", "read", "accounts")]
    event = trail.one("side_effect")
    assert ext(event)["tables"] == "accounts,orders"
    assert event["run_id"] == trail.one("tool_start")["run_id"]


def test_other_clients_are_effects_by_the_names_of_their_spans() -> None:
    """Stores without SQL, HTTP clients, queues and remote calls; a span of the application's own is none."""
    found: list[Any] = []
    effect_spans.tell(found.append, {"db.system.name": "mongodb", "db.collection.name": "users"}, "find")
    effect_spans.tell(found.append, {"http.request.method": "PUT", "url.full": "https://u:p@api.example/x?token=t"}, "PUT")
    effect_spans.tell(found.append, {"messaging.system": "kafka", "messaging.destination.name": "orders"}, "send")
    effect_spans.tell(found.append, {"custom": 1}, "work")
    assert [(effect.kind, effect.operation, effect.effect, effect.resource) for effect in found] == [
        ("database", "find", "external", "users"),
        ("http", "PUT", "write", "api.example"),
        ("message", "send", "external", "orders"),
    ]
    assert found[1].told == {"url": "https://api.example/x?token=[SECRET]"}
