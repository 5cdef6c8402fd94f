"""All benchmarks, each in a process of its own, one after the other: `make bench`."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = ("producer", "redact", "worker", "worker_stages", "sink", "latency")


def main() -> int:
    """Run them and return 1 when one failed."""
    here = Path(__file__).parent
    results = [subprocess.run([sys.executable, str(here / f"{name}.py")], check=False).returncode for name in BENCHMARKS]
    return 1 if any(results) else 0


if __name__ == "__main__":
    sys.exit(main())
