"""The ClickHouse engine in this process (chDB): connections, statements, streams and inserts. All of it blocks.

One process owns a data directory. A connection takes one call at a time, from any thread; connections share the engine, and
a new one costs a fraction of a millisecond, so every request has its own and no request leaves settings behind.
"""

import re
import shutil
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from .clickhouse_errors import Code, EngineError, engine_error, refusal
from .process import StackError, is_disk_full

DATABASE: Final = "langtrail"
_SETTING_NAME = re.compile(r"[A-Za-z_][\w.]*")
_NOT_STREAMABLE: Final = "Streaming query is not supported"


@dataclass(frozen=True)
class Result:
    """What a statement gave back: the formatted rows, and counts (rows, bytes, nanoseconds)."""

    data: bytes = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed_ns: int = 0


class Engine:
    """The engine over one data directory. Raises StackError when another process has it, or the disk is full."""

    def __init__(self, directory: Path) -> None:
        chdb: Any = _chdb()
        self._path = str(directory)
        self._connect = chdb.connect
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._keep = self._connect(self._path)  # as long as one connection is open, the engine is
            self._inserts = directory / "inserts"
            shutil.rmtree(self._inserts, ignore_errors=True)  # what an engine left there that was killed
            self._inserts.mkdir(mode=0o700)
            chdb.reset_signal_handlers()
            self._keep.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}", "Null")
        except OSError as error:
            raise StackError(
                "the disk is full: make room for ClickHouse's data" if is_disk_full(error) else str(error)
            ) from error
        except RuntimeError as error:
            raise StackError(f"ClickHouse cannot open {directory}: {error}") from error

    def open(self) -> "Handle":
        """Return a connection with the engine's default settings; the caller closes it."""
        return Handle(self._connect(self._path), self._inserts)

    def kill(self, comment: str) -> None:
        """Cancel the statement that runs with this log_comment; it raises QUERY_WAS_CANCELLED to its caller."""
        with_comment = f"KILL QUERY WHERE Settings['log_comment'] = {quoted(comment)} ASYNC"
        handle = self.open()
        try:
            handle.run(with_comment, "Null")
        finally:
            handle.close()

    def close(self) -> None:
        """Close the engine: what was inserted is on the disk."""
        self._keep.close()


class Handle:
    """One connection to the engine: one statement at a time. Every method raises EngineError when the engine refuses."""

    def __init__(self, connection: Any, inserts: Path) -> None:
        self._connection = connection
        self._inserts = inserts

    def use(self, database: str) -> None:
        """Make `database` the one that unqualified names are looked up in."""
        self.run(f"USE {identifier(database)}", "Null")

    def set(self, settings: Mapping[str, str]) -> None:
        """Apply settings, as the statement SET does."""
        if settings:
            self.run("SET " + ", ".join(f"{_setting(name)} = {quoted(value)}" for name, value in settings.items()), "Null")

    def reset(self, names: list[str]) -> None:
        """Give settings their default values again."""
        if names:
            self.run("SET " + ", ".join(f"{_setting(name)} = DEFAULT" for name in names), "Null")

    def run(self, sql: str | bytes, output_format: str, params: Mapping[str, str] | None = None) -> Result:
        """Run a statement; a FORMAT in it wins over `output_format`. Parameters are text in ClickHouse's escaped form."""
        try:
            return _result(self._connection.query(sql, output_format, params=dict(params or {})))
        except RuntimeError as error:
            raise engine_error(error) from error

    def stream(self, sql: str | bytes, output_format: str, params: Mapping[str, str]) -> Generator[Result]:
        """Run a SELECT and yield its rows block by block, each formatted by itself; any other statement is one block.

        The statement starts with the first `next`. Closing the iterator cancels it.
        """
        try:
            stream = self._connection.send_query(sql, output_format, params=dict(params))
        except RuntimeError as error:
            if _NOT_STREAMABLE not in str(error):
                raise engine_error(error) from error
            yield self.run(sql, output_format, params)
            return
        ended = False
        try:
            while not ended:
                block = _result(self._connection.streaming_fetch_result(stream))
                ended = not block.data
                yield block
        except RuntimeError as error:
            ended = True
            raise engine_error(error) from error
        finally:
            if not ended:
                self._connection.streaming_cancel_query(stream)

    def insert(self, statement: bytes, settings: bytes, input_format: str) -> "Insert":
        """Begin an INSERT whose data comes in pieces; `statement` ends before SETTINGS, FORMAT or VALUES."""
        return Insert(self, statement, settings, input_format, self._inserts)

    def classify(self, sql: bytes) -> tuple[str, int]:
        """Return the class of a statement (READ_ONLY, MUTATING, MUTATING_GLOBAL, CONTROL, UNKNOWN) and how many there are."""
        found = self._connection.classify_query(sql, DATABASE)
        return found["query_class"].name, found["statement_count"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Insert:
    """An INSERT on its way: rows become visible with `finish`, all in one block up to max_insert_block_size.

    Its data goes through a file. chDB has calls for data in pieces as well, but they swallow what goes wrong while it is
    written: a broken constraint, too many partitions, a view that fails. Whoever inserted would take it for stored.
    """

    def __init__(self, handle: Handle, statement: bytes, settings: bytes, input_format: str, directory: Path) -> None:
        self._handle = handle
        self._settings = b" ".join((settings, b"FORMAT", input_format.encode()))
        self._statement = statement
        try:
            self._file = NamedTemporaryFile(dir=directory)  # noqa: SIM115 - `finish` and `cancel` close it
        except OSError as error:
            raise _not_written(error) from error

    def append(self, data: bytes) -> None:
        """Hand over the next piece of the data, cut anywhere. Raises EngineError when the disk does not take it."""
        try:
            self._file.write(data)
        except OSError as error:
            raise _not_written(error) from error

    def finish(self) -> Result:
        """Write what was handed over. Raises EngineError when it does not parse or cannot be written."""
        source = b" FROM INFILE " + quoted(self._file.name).encode() + b" "
        try:
            self._file.flush()
            done = self._handle.run(self._statement + source + self._settings, "Null")
        except OSError as error:
            raise _not_written(error) from error
        finally:
            self.cancel()
        return replace(done, result_rows=done.written_rows)

    def cancel(self) -> None:
        """Write nothing; does nothing after `finish`."""
        with suppress(OSError):  # the file is gone all the same, or the next start removes it
            self._file.close()


def _not_written(error: OSError) -> EngineError:
    code = Code.NOT_ENOUGH_SPACE if is_disk_full(error) else Code.CANNOT_WRITE_TO_FILE_DESCRIPTOR
    return refusal(code, f"Cannot write the data of an INSERT to a file: {error.strerror}")


def quoted(text: str) -> str:
    """Return a string literal of ClickHouse."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """Return a quoted identifier of ClickHouse."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def escaped(text: str) -> str:
    """Return a value as ClickHouse takes it for a query parameter: backslash, tab and line ends escaped."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")


def _setting(name: str) -> str:
    if not _SETTING_NAME.fullmatch(name):
        raise refusal(Code.UNKNOWN_SETTING, f"Unknown setting {name!r}")
    return name


def _result(answer: Any) -> Result:
    if answer is None:
        return Result()
    return Result(
        data=answer.bytes(),
        read_rows=answer.storage_rows_read(),
        read_bytes=answer.storage_bytes_read(),
        written_rows=answer.rows_written(),
        written_bytes=answer.bytes_written(),
        result_rows=answer.rows_read(),
        elapsed_ns=int(answer.elapsed() * 1e9),
    )


def _chdb() -> Any:
    try:
        # The module beneath chdb's classes: they hide classify_query and put a thread lock and a formatter in between.
        return import_module("chdb._chdb")
    except ImportError:
        raise StackError("the local ClickHouse is not installed; run: pip install 'langtrail[local]'") from None


__all__ = ["DATABASE", "Engine", "EngineError", "Handle", "Insert", "Result", "escaped", "identifier", "quoted"]
