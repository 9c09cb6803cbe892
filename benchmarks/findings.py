"""What the audit finds in whole programs, and what that changed against an earlier time.

    python benchmarks/findings.py tests/programs --write before.json
    python benchmarks/findings.py tests/programs --against before.json

Each program (*.py below the folders) runs in a process of its own with one thread. Compared are rule,
severity and step of each finding, and the exit status. Said is, too, in how many backward passes gradients
were held against the loss, and why not in the others. Exit status: 0 the same, 1 something differs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

TIMEOUT = 600  # seconds


def audited(program: Path) -> tuple[dict, list[dict]]:
    """The exit status of `mx-notes audit PROGRAM` and its findings, each [rule, severity, step]; and what was judged."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "mx_notes", "audit", "--json", str(report), str(program)]
        environment = {"OMP_NUM_THREADS": "1", **os.environ}
        try:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return {"status": "timeout", "findings": []}, []
        written = json.loads(report.read_text()) if report.exists() else {"findings": [], "children": []}
    found = [[each["rule"], each["severity"], each["step"]] for each in written["findings"]]
    judged = [each["gradients"] for each in [written, *written["children"]] if "gradients" in each]
    return {"status": done.returncode, "findings": sorted(found)}, judged


def say_judged(checks: list[dict]) -> None:
    """Print in how many backward passes, through how many operators, gradients were judged, and why not in the others."""
    passes, operators, left = 0, 0, Counter()
    for check in checks:
        passes, operators = passes + check["passes"], operators + check["operators"]
        for each in check["left"]:
            left[each["why"]] += each["passes"]
    print(f"gradients judged in {passes} backward passes, through {operators} operators; not in")
    for why, number in left.most_common():
        print(f"{number:7} as {why}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write what was found as JSON")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare with what was written before")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="programs at a time")
    options = parser.parse_args()
    programs = sorted(path.resolve() for folder in options.folders for path in folder.rglob("*.py"))
    with ThreadPoolExecutor(options.jobs) as pool:
        results = tqdm(pool.map(audited, programs), total=len(programs), unit="program", disable=None)
        results = dict(zip(programs, results, strict=True))
    found = {path.stem: result for path, (result, _) in results.items()}
    if options.write:
        options.write.write_text(json.dumps(found, indent=1) + "\n")
    number = sum(len(result["findings"]) for result in found.values())
    print(f"{len(found)} programs, {number} findings")
    say_judged([check for _, checks in results.values() for check in checks])
    if not options.against:
        return 0
    before = json.loads(options.against.read_text())
    changed = [name for name in {**before, **found} if before.get(name) != found.get(name)]
    for name in changed:
        print(f"{name}\n  before {before.get(name)}\n  now    {found.get(name)}")
    print(f"{len(changed)} of {len(found)} programs differ")
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
