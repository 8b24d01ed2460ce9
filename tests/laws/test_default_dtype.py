"""torch.set_default_dtype changes no number: what is computed has the type that its inputs and the code say, bit for bit.

Each default is set in a process of its own, before anything of the package is imported, as a session's first lines set it.
What is computed there is in `computed`; a new closed form, metric or kind of run joins by the line it has in its own table.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PLACES = [str(TESTS / place) for place in ("laws", "experiments/kinds", "examples")]


def digests(default):
    """Name -> digest of everything that is computed under a default type."""
    code = f"import sys; sys.path[:0] = {PLACES!r}; import computed; computed.main({default!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def usual():
    return digests("float32")


def test_everything_is_computed(usual):
    assert len(usual) > 100
    assert [found for found in usual.items() if "Error" in str(found)] == []


@pytest.mark.parametrize("default", ["float64", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_no_default_type_changes_a_bit(default, usual):
    other = digests(default)
    assert [(name, other[name]) for name in usual if other[name] != usual[name]] == []


def products_of_the_package():
    import numpy as np

    import byheart
    from byheart.data import Data, load, split

    images = np.random.default_rng(0).integers(0, 256, (140, 16, 16), dtype=np.uint8)
    parts = split(load(Data(name="digits")), n=64, seed=0)
    memorizer = byheart.denoisers.empirical(parts.train)
    sets = {"train": images[40:90], "heldout": images[90:]}
    return {
        "load": lambda: load(Data(name="digits")),
        "split": lambda: split(parts.dataset, n=64, seed=0),
        "audit": lambda: byheart.audit(samples=images[:40], **sets),
        "audit of a model": lambda: byheart.audit(samples=memorizer, **sets),
        "dedup": lambda: byheart.dedup(images),
        "sample": lambda: byheart.sample(memorizer, seeds=range(4)),
        "measure": lambda: byheart.measure(memorizer, parts, byheart.Plan(samples=16)),
    }


def test_another_default_device_is_refused_in_words():
    import torch

    from byheart import InputError

    for make in products_of_the_package().values():
        with torch.device("meta"), pytest.raises(InputError, match="got meta as torch's default device"):
            make()
