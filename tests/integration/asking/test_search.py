"""Search: all words or a phrase, in every script and case, with a text index and without one, and never a superseded text."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from langtrail.deploy import text_index
from langtrail.deploy.ask import Trail
from langtrail.deploy.command_search import around
from langtrail.deploy.search import INDEX, is_indexed, search
from langtrail.processors.clickhouse import connect
from langtrail.schemas.statements import question

TEXTS: dict[str, dict[str, Any]] = {
    "german": {"input": '"Die Äpfel liegen in der STRASSE."', "tenant_id": "acme"},
    "sharp": {"input": '"Größe und straße"', "tenant_id": "acme"},
    "japanese": {"output": '"これは日本語の文です。"', "tenant_id": "acme"},
    "chinese": {"output": '"北京是中国的首都"', "tenant_id": "globex"},
    "lines": {"input": '"first line\\nsecond line\\ttabbed \\\\new \\u0007bell"', "tenant_id": "globex"},
    "error": {"input": '"look up order"', "error_message": "Connection refused by shop-42", "tenant_id": "acme"},
    "apart": {"input": '"the card was charged and then refunded"', "output": '"card declined"', "tenant_id": "acme"},
    "together": {"input": '"the card was declined"', "tenant_id": "globex"},
    "umlauts apart": {"input": '"ä pfel"', "tenant_id": "acme"},
    "russian": {"input": '"„Привет“, Мир…"', "tenant_id": "acme"},
    "files": {"input": '"read report_2026.pdf of www.example.com, don\'t print"', "tenant_id": "acme"},
}
FOUND = [
    ("Äpfel", {"german"}),
    ("ÄPFEL", {"german"}),
    ("äpfel straße", {"german"}),
    ("strasse", {"german", "sharp"}),
    ("Straße", {"german", "sharp"}),
    ("GRÖSSE", {"sharp"}),
    ("日本語", {"japanese"}),
    ("本日", set[str]()),
    ("北京 首都", {"chinese"}),
    ("мир", {"russian"}),
    ("ПРИВЕТ", {"russian"}),
    ("„привет“ …мир", {"russian"}),
    ("report", {"files"}),
    ("example.com", {"files"}),
    ("report_2026.pdf", {"files"}),
    ("pdf.report", set[str]()),
    ("DON'T", {"files"}),
    ("second", {"lines"}),
    ("tabbed", {"lines"}),
    ("bell", {"lines"}),
    ("new", {"lines"}),
    ("nsecond", set[str]()),
    ("u0007bell", set[str]()),
    ("card declined", {"apart", "together"}),
    ("order refused", {"error"}),
    ("shop-42", {"error"}),
    ("refus", set[str]()),
    ("nothing like it", set[str]()),
    ("it's \\ ' \" {text:String}", set[str]()),
]
PHRASES = [
    ("was declined", {"together"}),
    ("card was", {"apart", "together"}),
    ("declined card", set[str]()),
    ("refunded card", set[str]()),
    ("line second", {"lines"}),
    ("in der strasse", {"german"}),
]

Store = Callable[..., Any]


@pytest.fixture(scope="module", params=["read", "indexed", "partly indexed"])
def trail(request: pytest.FixtureRequest, database: Callable[[str], str], told: Callable[..., None]) -> Iterator[Trail]:
    """Return a store with the texts, without a text index, with one, and with one over some of its parts."""
    dsn = database(f"search_{request.param.replace(' ', '_')}")
    names = list(TEXTS)
    text_index.drop(dsn)
    told(dsn, TEXTS, names[:5])
    if request.param != "read":
        text_index.add(dsn, lambda _: None)
    told(dsn, TEXTS, names[5:], indexed=request.param == "indexed")
    trail = Trail(dsn)
    assert is_indexed(trail) == (request.param != "read")
    yield trail
    trail.close()


@pytest.fixture(scope="module")
def told(store_events: Store) -> Callable[..., None]:
    """Return a function that stores some of the texts, each as an event of a session of its name, three minutes apart."""

    def tell(dsn: str, texts: dict[str, dict[str, Any]], names: list[str], *, indexed: bool = True) -> None:
        for name in names:
            fields = {**texts[name], "session_id": name, "run_id": None}
            store_events(dsn, [fields], hours=list(texts).index(name) / 20, materialise=indexed)

    return tell


def sessions(trail: Trail, text: str, **given: Any) -> set[str]:
    """Return the names of the texts that are found."""
    return {row["session_id"] for row in search(trail, text, **given).objects()}


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[text for text, _ in FOUND])
def test_all_words_are_found(trail: Trail, text: str, expected: set[str]) -> None:
    """In folded case, across the fields of an event, in any script, JSON's escapes apart."""
    assert sessions(trail, text) == expected


@pytest.mark.parametrize(("text", "expected"), PHRASES, ids=[text for text, _ in PHRASES])
def test_a_phrase_stands_together(trail: Trail, text: str, expected: set[str]) -> None:
    """Word after word within one field."""
    assert sessions(trail, text, phrase=True) == expected


def test_tenant_time_and_number_narrow_a_search(trail: Trail) -> None:
    """Only that tenant's, only in that time, only so many: the newest first."""
    assert sessions(trail, "declined", tenant="globex") == {"together"}
    assert sessions(trail, "declined", since="2026-09-21 14:33:00.000000") == {"together"}
    assert sessions(trail, "declined", until="2026-09-21 14:33:00.000000") == {"apart"}
    assert [row["session_id"] for row in search(trail, "card", limit=1).objects()] == ["together"]
    assert [row["session_id"] for row in search(trail, "card").objects()] == ["together", "apart"]
    assert search(trail, "card", since="2027-01-01 00:00:00.000000").rows == []


def test_what_is_read_is_read_from_the_newest_on(database: Callable[[str], str], store_events: Store) -> None:
    """In wider and wider stretches of time over years, and no further than it takes to find enough."""
    dsn = database("search_far_apart")
    text_index.drop(dsn)
    for hours in (0, 0.5, 30, 900, 20_000):
        store_events(dsn, [{"input": '"a word"', "session_id": str(hours)}], hours=hours)
    trail = Trail(dsn)
    told: list[str] = []
    found = search(trail, "word", tell=told.append)
    assert [row["session_id"] for row in found.objects()] == ["20000", "900", "30", "0.5", "0"]
    assert 5 < len(told) < 12
    told.clear()
    assert len(search(trail, "word", limit=1, tell=told.append).rows) == len(told) == 1
    trail.close()


def test_a_long_text_is_looked_up(trail: Trail) -> None:
    """More words than the index takes at once are no error."""
    assert sessions(trail, " ".join(["card", "was", *(f"word{number}" for number in range(200))])) == set()


def test_what_a_revision_replaced_is_not_found(database: Callable[[str], str], store_events: Store) -> None:
    """A text that was redacted later is not in the answer, with the index either, merged or not."""
    dsn = database("search_revisions")
    text_index.add(dsn, lambda _: None)
    store_events(dsn, [{"input": '"the secret word"', "session_id": "s", "revision": 0}], hours=0, materialise=True)
    store_events(dsn, [{"input": '"the [SECRET] word"', "session_id": "s", "revision": 1}], hours=0, materialise=True)
    trail = Trail(dsn)
    assert sessions(trail, "word") == {"s"}
    assert [row["input"] for row in search(trail, "word").objects()] == ['"the [SECRET] word"']
    assert sessions(trail, "the secret word", phrase=True) == {"s"}  # the placeholder is the word, its text is not
    assert len(search(trail, "secret").rows) == 1
    trail.close()


@pytest.fixture
def client(database: Callable[[str], str]) -> Iterator[Client]:
    """Return a client of an empty store."""
    client = connect(database("text_index"))
    yield client
    client.close()


def test_the_index_is_what_a_search_uses(client: Client, database: Callable[[str], str], store_events: Store) -> None:
    """The statement and the index have the same expression: the engine's plan has the index in it as soon as it is there."""
    dsn = database("text_index")
    text_index.drop(dsn)
    store_events(dsn, [{"input": '"a word"'}])
    head, _, rest = question("search").sql.partition("    found AS\n    (")
    found = f"{head.rstrip().rstrip(',')} {rest.partition(' LIMIT ')[0]}"
    parameters = {**question("search").bind({"text": "WORD"}), "phrases": []}

    def plan() -> str:
        return str(client.query(f"EXPLAIN indexes = 1 {found}", parameters).result_rows)

    assert INDEX not in plan()
    assert text_index.add(dsn, lambda _: None).parts_left == 0
    assert INDEX in plan()
    assert len(client.query(found, parameters).result_rows) == 1


def test_the_index_can_be_made_and_removed_again(database: Callable[[str], str], store_events: Store) -> None:
    """Over what is there and what comes; twice is no error, and what is stored stays."""
    dsn = database("text_index_again")
    assert text_index.status(dsn).size_bytes is not None
    text_index.drop(dsn)
    assert text_index.status(dsn).size_bytes is None
    store_events(dsn, [{"input": '"a word"'}])
    for _ in range(2):
        found = text_index.add(dsn, lambda _: None)
        assert (found.parts_left, bool(found.size_bytes)) == (0, True)
    for _ in range(2):
        text_index.drop(dsn)
        assert text_index.status(dsn).size_bytes is None
    trail = Trail(dsn)
    assert len(search(trail, "word").rows) == 1
    trail.close()


def test_the_commands_of_the_index(command: Callable[..., Any], database: Callable[[str], str], monkeypatch: Any) -> None:
    """add, status and drop; exit status 1 says that there is no index."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", database("text_index_command"))
    assert command("text-index", "status", "--json").json == {"size_bytes": 0, "parts_left": 0}
    assert command("text-index", "drop").status == 0
    assert command("text-index", "status").status == 1
    assert command("text-index", "add").out.startswith("the text index is there")
    assert command("text-index", "status").status == 0


def test_what_is_around_the_word_is_shown() -> None:
    """The word in its sentence, in bold, wherever in a long text it is; nothing of it acts on the terminal."""
    value = [{"type": "human", "content": f"{'before ' * 30}the Äpfel\x1b[31m are red {'after ' * 60}"}]
    shown = around(value, "ÄPFEL")
    assert shown.plain.startswith("…")
    assert "the Äpfel\\x1b[31m are red" in shown.plain
    (bold,) = shown.spans
    assert shown.plain[bold.start : bold.end] == "Äpfel"
    assert around("nothing of it here", "word").plain == "nothing of it here"
