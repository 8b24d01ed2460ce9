"""How long until something happens: `byheart --help`, and the first training step, in fresh processes.

python benchmarks/startup.py [ROUNDS]
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial

from timing import Row, compare, ratio, report

FIRST_STEP = """
import os, sys
from byheart.cli import main
import byheart.experiments.kinds.training.run as training

def until_the_first_step(*arguments):
    for state in whole(*arguments):
        if state.step == 1:
            os._exit(0)
        yield state

whole, training.train = training.train, until_the_first_step
main(["study", "onset", "--scale", "demo", "--workers", "1", "--root", sys.argv[1]])
os._exit(1)
"""


def python(code: str, *arguments: str) -> None:
    """Run some code in a fresh process."""
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


def verb(*words: str) -> Callable[[], None]:
    """A command of byheart in a fresh process."""
    return partial(python, f"import sys; from byheart.cli import main; sys.exit(main({list(words)}))")


def first_step() -> None:
    """A training verb in an empty folder, until its first step is done."""
    with tempfile.TemporaryDirectory() as root:
        python(FIRST_STEP, root)


def processor_time() -> float:
    """Seconds of all ended children: others on a shared machine do not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(rounds: int = 9) -> list[Row]:
    """The ratios to the imports that nothing can do without."""
    parts = partial(python, "import pydantic, tyro, rich")
    light = {
        "imports": parts,
        "--help": verb("--help"),
        "study --help": verb("study", "--help"),
        "ls": verb("ls"),
    }
    heavy = {"torch": partial(python, "import torch"), "first step": first_step}
    clock = processor_time
    quick, slow = compare(light, rounds, clock=clock), compare(heavy, rounds, clock=clock)
    return [
        Row(
            "byheart --help / import pydantic, tyro, rich",
            ratio(quick["--help"], quick["imports"]),
            at_most=1.25,
        ),
        Row("byheart study --help / the same", ratio(quick["study --help"], quick["imports"])),
        Row("byheart ls / the same", ratio(quick["ls"], quick["imports"])),
        Row("first training step / import torch", ratio(slow["first step"], slow["torch"]), at_most=1.3),
    ]


if __name__ == "__main__":
    report(main(*map(int, sys.argv[1:])))
