"""What these tests share: a database of their own, and the command line in this process."""

from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from langtrail.deploy.cli import main
from tests.integration.said import Command, Said


@pytest.fixture
def dsn(clickhouse_server: str, unique_name: str) -> str:
    """Return the DSN of a database that does not exist yet."""
    return clickhouse_server.rsplit("/", 1)[0] + "/" + unique_name.replace("-", "_")


@pytest.fixture
def client(clickhouse_server: str) -> Iterator[Client]:
    """Return a client that belongs to no database."""
    client = clickhouse_connect.get_client(dsn=clickhouse_server, database="default", autogenerate_session_id=False)
    yield client
    client.close()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs `langtrail` in an empty directory; reading is recorded in the spool there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGTRAIL_SPOOL_DIR", str(tmp_path / "spool"))

    def run(*arguments: str) -> Said:
        monkeypatch.setattr("sys.argv", ["langtrail", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Said(code if isinstance(code, int) else int(code is not None), *capsys.readouterr())

    return run
