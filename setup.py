"""Compiles what every event goes through, where there is a C compiler. All else about the package is in pyproject.toml.

mypyc translates the same sources that run without it; LANGTRAIL_PURE=1 leaves them as they are.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

ROOT = Path(__file__).parent
GROUP = "langtrail.processors.compiled"
"""The name of the library that holds all of them, before what mypyc puts behind it."""
COMPILED = (
    *("detector", "document_paths", "findings", "id_checks", "key_rules", "key_words", "normalise", "prefilter", "pseudonym"),
    *("redact", "redaction", "repeats", "begun", "candidates", "scan", "secret_names", "structure", "texts", "treatment"),
    *("validators", "vendor_token", "engine_parts", "engine_plain", "engine_re2", "engine_types"),
    *("core_reader", "enrich", "event", "head_writer", "open", "part", "prices", "records", "seal"),
    *sorted(path.stem for path in (ROOT / "processors").glob("detectors*.py")),
)
"""Modules of the processors that take most of a worker's time."""


class BuildCompiled(build_ext):
    """Builds all of the extensions or none: without a compiler or Python's headers the sources do."""

    def run(self) -> None:
        """Compile, and say so where that cannot be done."""
        try:
            super().run()
        except (CompileError, LinkError) as error:
            self.warn(f"langtrail runs uncompiled, and slower: {error}")


def compiled() -> list[Extension]:
    """Return the extensions, translated to C. Nothing is translated where nobody asked for a build."""
    if os.environ.get("LANGTRAIL_PURE") == "1" or not {"build_ext", "bdist_wheel", "editable_wheel"} & {*sys.argv}:
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 - an installation without compiling does without it

    os.chdir(ROOT)
    links = Path("build/types/langtrail")  # as the packages are named once installed
    links.mkdir(parents=True, exist_ok=True)
    for stage in ("schemas", "processors"):
        if not (links / stage).is_symlink():
            (links / stage).symlink_to(ROOT / stage, target_is_directory=True)
    os.environ["MYPYPATH"] = str(links.parent)
    # Types are checked by `make types`, with all dependencies there; here some may be missing.
    options = ["--config-file=", "--ignore-missing-imports", "--namespace-packages", "--explicit-package-bases"]
    modules = [str(links / "processors" / f"{name}.py") for name in COMPILED]
    return mypycify([*options, *modules], group_name=GROUP, debug_level="0")


if __name__ == "__main__":
    setup(ext_modules=compiled(), cmdclass={"build_ext": BuildCompiled})
