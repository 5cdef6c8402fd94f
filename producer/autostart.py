"""Start recording in a program that knows nothing of langtrail: a directory whose sitecustomize Python imports at start."""

from pathlib import Path


def directory() -> str:
    """Return the directory to put first on PYTHONPATH; LANGTRAIL_ENABLED=1 must be set beside it."""
    return str(Path(__file__).parent / "site")
