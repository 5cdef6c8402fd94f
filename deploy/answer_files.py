"""An answer in a file: CSV that keeps null and empty text apart, Parquet, and files that are whole or not there at all."""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final

from .errors import CannotRun

ARROW_SETTINGS: Final = {"output_format_arrow_low_cardinality_as_dictionary": 0, "output_format_arrow_string_as_string": 1}
"""What ClickHouse is told when it writes Arrow: plain columns, text as text."""


class FileError(CannotRun):
    """A file cannot be written; the text says which and why."""


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name when the block ends well; before that, and otherwise, nothing is changed.

    It can be read by its owner alone. Raises FileError when it cannot be written.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise FileError(f"{path} cannot be written ({error.strerror})") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise FileError(f"{path} cannot be written ({error.strerror})") from None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108 - it has its new name by now, or is not wanted


def csv_line(values: Iterable[Any]) -> str:
    """Return a line of CSV (RFC 4180): text in quotes, null as nothing, lists as JSON."""
    return ",".join(_csv_cell(value) for value in values) + "\n"


def arrow_table(data: bytes) -> Any:
    """Return ClickHouse's answer in format Arrow as a pyarrow.Table."""
    return import_module("pyarrow.ipc").open_file(data).read_all()


class ParquetFile:
    """Writes tables of one schema one after the other, each as a row group: only one of them is in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        """Begin. Raises ModuleNotFoundError without pyarrow, which is an extra."""
        self._parquet = import_module("pyarrow.parquet")
        self._file = file
        self._writer: Any = None

    def write(self, table: Any) -> None:
        """Add a table, empty ones too: the first one says what the columns are."""
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._file, table.schema, compression="zstd")
        self._writer.write_table(table)

    def close(self) -> None:
        """Write the end of the file."""
        if self._writer is not None:
            self._writer.close()


def write_parquet(path: Path, tables: Sequence[Any]) -> None:
    """Write tables of one schema to a Parquet file. Raises FileError."""
    with whole_file(path) as file:
        parquet = ParquetFile(file)
        for table in tables:
            parquet.write(table)
        parquet.close()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return '"' + text.replace('"', '""') + '"'
