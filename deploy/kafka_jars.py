"""Kafka's jars: resolved from Maven Central by jgo the first time, then found in the user's cache."""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .process import StackError, is_disk_full

if TYPE_CHECKING:
    from jgo.maven import Artifact

KAFKA_VERSION: Final = "4.3.1"
# slf4j-simple writes warnings and errors to standard error: with a no-op binding a broker that cannot start says nothing.
_COORDINATES: Final = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")
_DOWNLOADS_AT_ONCE: Final = 8


def class_path() -> str:
    """Return Java's class path of the broker; downloads what is missing. Raises StackError when that cannot be done."""
    jars = _cache() / f"kafka-{KAFKA_VERSION}"
    if not jars.is_dir():
        _download_into(jars)
    return str(jars / "*")


def is_downloaded() -> bool:
    """Say whether the jars are in the user's cache."""
    return (_cache() / f"kafka-{KAFKA_VERSION}").is_dir()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "langtrail"


def _download_into(jars: Path) -> None:
    jars.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A download that is cut off must not be taken for a whole one: the directory gets its name last.
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="download-") as work:
        whole = Path(work) / "jars"
        whole.mkdir()
        try:
            with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
                for jar in pool.map(_download, _resolve(Path(work) / "repository")):
                    shutil.move(jar, whole / jar.name)
        except OSError as error:  # requests' exceptions are OSErrors too
            raise StackError(_sentence(error)) from error
        except RuntimeError as error:
            raise StackError(f"Maven Central does not have all parts of Kafka {KAFKA_VERSION}: {error}") from error
        try:
            whole.rename(jars)
        except OSError:
            if not jars.is_dir():  # else another process was faster, and its download is as good
                raise


def _resolve(repository: Path) -> list["Artifact"]:
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise StackError("the local stack is not installed; run: pip install 'langtrail[local]'") from None
    maven = MavenContext(repo_cache=repository)
    asked, needed = maven.resolver.resolve([maven.create_dependency(coordinate) for coordinate in _COORDINATES])
    return [dependency.artifact for dependency in asked + [d for d in needed if d.scope in ("compile", "runtime")]]


def _download(artifact: "Artifact") -> Path:
    path: Path = artifact.resolve()
    return path


def _sentence(error: OSError) -> str:
    if is_disk_full(error):
        return "the disk is full: make room for Apache Kafka's files (45 MB) and start again"
    return (
        f"Apache Kafka {KAFKA_VERSION} could not be downloaded from Maven Central ({type(error).__name__}); "
        "connect to the network for the first start, later ones need none"
    )
