"""Imported by Python at start when `langtrail run` put this directory on PYTHONPATH; then the program's own sitecustomize."""

import importlib
import sys
from pathlib import Path

_here = str(Path(__file__).parent)
sys.path[:] = [entry for entry in sys.path if entry != _here]
_this = sys.modules.pop("sitecustomize", None)
try:
    importlib.import_module("sitecustomize")
except ModuleNotFoundError as error:
    if error.name != "sitecustomize":
        raise
finally:
    sys.path.insert(0, _here)
    if _this is not None:
        sys.modules.setdefault("sitecustomize", _this)  # Python looks for what it has just imported

importlib.import_module("langtrail.producer")
