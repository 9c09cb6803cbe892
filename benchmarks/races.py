"""Programs with threads under the audit, again and again, which must never fail: `python benchmarks/races.py`.

What goes wrong between threads goes wrong rarely. The tests run each of these programs once, with fewer steps.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

PROGRAMS = Path(__file__).parents[1] / "tests" / "programs" / "healthy"


def main() -> None:
    """Print how each program's runs ended; status 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    failed = False
    for program in sorted(PROGRAMS.glob("threads_*.py")):
        ends: Counter[int] = Counter()
        for _ in range(options.runs):
            command = [sys.executable, "-m", "mx_notes", "audit", str(program), str(options.steps)]
            with tempfile.TemporaryFile() as said:
                status = subprocess.run(command, stdout=said, stderr=said, check=False).returncode
                said.seek(0)
                if status:
                    sys.stderr.buffer.write(said.read())
            ends[status] += 1
        failed |= set(ends) != {0}
        print(
            f"{program.stem}: {ends[0]} of {options.runs} runs of {options.steps} steps ended with status 0",
            flush=True,
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
