"""`validate` over many files, against loading the same YAML alone: `python -m tools.bench_validate 1000`.

Each in a process of its own, as a user starts it: PyYAML's C loader over the files, and `validate`. Prints
seconds of wall clock, the ratio, and the peak of memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = (ROOT / "examples/01-account/account.yaml").read_text(encoding="utf-8")

_LOAD = """
import sys, yaml
from pathlib import Path
for path in Path(sys.argv[1]).iterdir():
    list(yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader))
"""


def written(folder: Path, number: int) -> None:
    """As many files as asked for, an account each, with restrictions and a control center."""
    more = "  callRestrictions: {international: Deny, toll_us: Deny}\n  controlCenter: {preset: SubAccount}\n"
    for one in range(number):
        text = EXAMPLE.replace("acme-dental", f"account-{one}").replace("Acme Dental", f"Account {one}")
        text = text.replace("acme.pbx.example.com", f"account-{one}.pbx.example.com")
        (folder / f"{one}.yaml").write_text(text.rstrip() + "\n" + more, encoding="utf-8")


class Run(NamedTuple):
    """One process: seconds on the wall and of the processor, megabytes at the peak, and what it printed."""

    seconds: float
    processor: float
    megabytes: float
    said: str


# Started by a small process: the peak of memory of one that is forked from us would begin at our own.
_LAUNCH = """
import json, os, sys, time
began = time.perf_counter()
pid = os.posix_spawn(sys.executable, [sys.executable, "-P", *sys.argv[2:]], os.environ)
_, _, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as told:
    json.dump([time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024], told)
"""


def measured(*arguments: str) -> Run:
    """Run Python with the arguments, and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        command = [sys.executable, "-S", "-c", _LAUNCH, str(told), *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        seconds, processor, megabytes = json.loads(told.read_text())
        return Run(seconds, processor, megabytes, done.stdout.decode())


def bench(number: int) -> dict[str, float]:
    """The figures for that many files; the best of three runs each."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as empty:
        written(Path(folder), number)
        verb = ("-m", "kazoo_operator", "validate")
        start = [measured(*verb, empty) for _ in range(3)]
        load = [measured("-c", _LOAD, folder) for _ in range(3)]
        bare = [measured("-c", _LOAD, empty) for _ in range(3)]
        runs = [measured(*verb, folder) for _ in range(3)]
    clean = f"{number} objects in {number} files: 0 errors, 0 warnings"
    assert all(clean in run.said for run in runs), runs[0].said
    wall = min(run.seconds for run in runs)
    return {
        "files": number,
        "seconds": round(wall, 2),
        "seconds of starting": round(min(run.seconds for run in start), 2),
        "seconds of loading alone": round(min(run.seconds for run in load), 2),
        "ratio": round(wall / min(run.seconds for run in load), 2),
        "ratio of the processor's time, starting aside": round(
            (_least(runs) - _least(start)) / (_least(load) - _least(bare)), 2
        ),
        "megabytes": round(max(run.megabytes for run in runs)),
    }


def _least(runs: list[Run]) -> float:
    return min(run.processor for run in runs)


if __name__ == "__main__":
    print(json.dumps(bench(int(sys.argv[1]) if len(sys.argv) > 1 else 1000), indent=2))
