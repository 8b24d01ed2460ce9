"""How long until something happens: `byheart --help`, and the first training step.

    help          `byheart --help`                                   / import of pydantic, tyro and rich     at most 1.25
    first step    `byheart study onset`, until the first step is done / import of torch                       at most 1.3

Fresh processes, contestants alternating, medians; exit code 1 if a ratio is above its limit.

    python benchmarks/startup.py [ROUNDS]
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

LIMITS = {"help": 1.25, "first step": 1.3}

FIRST_STEP = """
import os, sys
from byheart.cli import main
from byheart.experiments.kinds import training

def until_the_first_step(*arguments):
    for state in whole(*arguments):
        if state.step == 1:
            os._exit(0)
        yield state

whole, training.train = training.train, until_the_first_step
main(["study", "onset", "--scale", "demo", "--workers", "1", "--root", sys.argv[1]])
os._exit(1)
"""


def seconds(code: str, *arguments: str) -> float:
    """Wall time of a fresh Python that runs some code."""
    began = perf_counter()
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
    return perf_counter() - began


def medians(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Contestant -> median of its times, one of each in every round."""
    times = [{name: run() for name, run in contestants.items()} for _ in range(rounds)]
    return {name: statistics.median(round_[name] for round_ in times) for name in contestants}


def first_step() -> float:
    """Seconds of a training verb in an empty folder, until its first step is done."""
    with tempfile.TemporaryDirectory() as root:
        return seconds(FIRST_STEP, str(Path(root)))


def main(rounds: int = 9) -> dict[str, float]:
    """Print the ratios and return them."""
    light = {
        "help": lambda: seconds("from byheart.cli import main; main(['--help'])"),
        "imports": lambda: seconds("import pydantic, tyro, rich"),
    }
    heavy = {"first step": first_step, "imports": lambda: seconds("import torch")}
    ratios = {}
    for name, contestants in (("help", light), ("first step", heavy)):
        found = medians(contestants, rounds)
        ratios[name] = found[name] / found["imports"]
        print(
            f"{name:<12}{found[name]:7.3f} s   imports {found['imports']:7.3f} s   ratio {ratios[name]:5.2f}   limit {LIMITS[name]}"
        )
    return ratios


if __name__ == "__main__":
    ratios = main(*map(int, sys.argv[1:]))
    sys.exit(any(ratio > LIMITS[name] for name, ratio in ratios.items()))
