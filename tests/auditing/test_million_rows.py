"""A million rows of features are audited from end to end in the memory of a few copies of them."""

import json
import subprocess
import sys

import pytest

ROWS, MOST = 1_000_000, 1000  # training rows; MiB beside what an audit of a few rows leaves behind

CODE = """
import json, pathlib
import numpy as np
import torch
from byheart.auditing.audit import audit

torch.set_num_threads(1)

def resident(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))

def drawn(count):
    return draws.standard_normal((count, 16), dtype=np.float32)

draws = np.random.default_rng(0)
audit(samples=drawn(120), train=drawn(500), heldout=drawn(120))  # libraries loaded
before = resident("VmRSS")
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
train = drawn(ROWS)
samples = np.concatenate([drawn(450), train[7:57] + np.float32(0.01)])
result = audit(samples=samples, train=train, heldout=drawn(500))
accused = [pair for pair in result.pairs if pair.flagged]
print(json.dumps({
    "added": resident("VmHWM") - before,
    "verdict": result.verdict,
    "count": result.inputs.train.count,
    "right": sum(pair.train == (pair.sample - 450 + 7,) for pair in accused),
    "accused": len(accused),
}))
"""


@pytest.mark.slow
def test_a_million_training_rows_are_audited_within_a_gigabyte():
    code = CODE.replace("ROWS", str(ROWS))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert (found["verdict"], found["count"]) == ("copying", ROWS)
    assert found["right"] == 50 and found["accused"] < 65
    assert ROWS * 16 * 4 / 2**20 < found["added"] < MOST
