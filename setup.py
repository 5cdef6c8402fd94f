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
COMPILED = {
    "schemas": ("codec", "hashing", "sealing"),
    "producer": (
        *("attempts", "avro_pieces", "capture", "content", "core", "draft", "entry", "event_log", "file_write", "fresh"),
        *("identity", "ids", "labels", "langchain_context", "model_facts", "outcome", "own_events"),
        *("pipeline", "plain", "prompts", "recording", "runs", "scope", "scrub", "serialise", "shipper"),
        *("sources", "spool_limit", "spool_reader", "spool_writer", "stream", "tool_calls", "usage"),
    ),
    "processors": (
        *("begun", "candidates", "core_reader", "detector", "document_paths", "engine_parts", "engine_plain", "engine_re2"),
        *("engine_types", "enrich", "event", "families", "findings", "head_writer", "id_checks", "key_rules", "key_words"),
        *("literals", "normalise", "open", "part", "prefilter", "prices", "pseudonym", "records", "redact", "redaction"),
        *("repeats", "scan", "seal", "secret_names", "spellings", "structure", "tenant_rules", "texts", "treatment"),
        *("validators", "vendor_token", "windows"),
        *sorted(path.stem for path in (ROOT / "processors").glob("detectors*.py")),
    ),
}
"""Modules by their stage: what a callback waits for, and what takes most of a worker's time. Each stage is one library."""


class BuildCompiled(build_ext):
    """Builds all of the extensions or none: without a compiler or Python's headers the sources do."""

    def finalize_options(self) -> None:
        """Let each processor compile one library at a time: by far the longest is the first."""
        super().finalize_options()
        self.parallel = self.parallel or True

    def run(self) -> None:
        """Compile, and say so where that cannot be done."""
        try:
            super().run()
        except (CompileError, LinkError) as error:
            for path in self.get_outputs():
                Path(path).unlink(missing_ok=True)
            self.warn(f"langtrail runs uncompiled, and slower: {error}")


def compiled() -> list[Extension]:
    """Return the extensions, translated to C. Nothing is translated where nobody asked for a build."""
    if os.environ.get("LANGTRAIL_PURE") == "1" or not {"build_ext", "bdist_wheel", "editable_wheel"} & {*sys.argv}:
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 - an installation without compiling does without it

    os.chdir(ROOT)
    links = Path("build/types/langtrail")  # as the packages are named once installed
    links.mkdir(parents=True, exist_ok=True)
    for stage in COMPILED:
        if not (links / stage).is_symlink():
            (links / stage).symlink_to(ROOT / stage, target_is_directory=True)
    os.environ["MYPYPATH"] = str(links.parent)
    # Types are checked by `make types`, with all dependencies there; here some may be missing.
    options = ["--config-file=", f"--cache-dir={os.devnull}", "--namespace-packages", "--explicit-package-bases"]
    options += ["--no-site-packages", "--ignore-missing-imports"]
    libraries = [
        ([str(links / stage / f"{name}.py") for name in names], f"langtrail.{stage}.compiled")
        for stage, names in COMPILED.items()
    ]
    return mypycify([*options, *(path for paths, _ in libraries for path in paths)], separate=libraries, debug_level="0")


if __name__ == "__main__":
    setup(ext_modules=compiled(), cmdclass={"build_ext": BuildCompiled})
