"""The user's own code on the command line: whatever it does, the exit code is ours, and its fault is told as its own."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from byheart.cli import main

CODE = """

import sys
import warnings
from functools import partial

import numpy as np
import torch
from torch import nn

class Odd(BaseException):
    "Neither an Exception nor an exit."

class Pipeline:
    def __call__(self, batch_size=1, generator=None, num_inference_steps=10, output_type="pil"):
        raise RuntimeError("out of memory")

class Sampler:
    def __call__(self, n, generator):
        raise RuntimeError("out of memory")

class FewArguments:
    def __call__(self, n):
        return torch.rand(n, 1, 16, 16)

class Images:
    def __len__(self):
        return 40
    def __getitem__(self, row):
        raise TypeError("no such row")

class Denoiser(nn.Module):
    shape, device = (1, 16, 16), torch.device("cpu")
    def forward(self, x, sigma):
        return x @ torch.zeros(3, 3)

class Lazy:
    @property
    def model(self):
        raise RuntimeError("not loaded yet")

def function(n, generator):
    return torch.zeros(n) @ torch.zeros(n + 1)

def exits(n, generator):
    sys.exit(0)

def exits_with_a_word(n, generator):
    raise SystemExit("no weights\\x1b[31m\\nhere")

def odd(n, generator):
    raise Odd

def few_arguments(n):
    return torch.rand(n, 1, 16, 16)

def nothing(x, sigma):
    return None

def sizes(n, generator):
    return [np.zeros((1, 16, 16 + row)) for row in range(n)]

def lists(n, generator):
    return [[[0.1, 0.2], [0.3]]] * n

def speaks(n, generator):
    print("drawing", n)
    return torch.rand(n, 1, 16, 16, generator=generator)

pipeline, bound, sampler = Pipeline(), partial(Pipeline(), num_inference_steps=3), Sampler()
images, denoiser, lazy, few, rand = Images(), Denoiser(), Lazy(), FewArguments(), torch.rand
linear = nn.Sequential(nn.Linear(3, 3))
"""

IMPORTED = {
    "parses": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--ckpt', required=True)\np.parse_args()\n",
    "quits": "import sys\nsys.exit(0)\n",
    "quits_with_2": "raise SystemExit(2)\n",
    "is_no_python": "def f(:\n",
    "stops_all": "class Stop(BaseException): ...\nraise Stop('here')\n",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with own code and a few images; it is the current one, and not on Python's path."""
    (tmp_path / "own.py").write_text(CODE)
    for name, code in IMPORTED.items():
        (tmp_path / f"{name}.py").write_text(code)
    np.save(tmp_path / "train.npy", np.random.default_rng(0).integers(0, 256, (120, 16, 16), dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def audit(*words):
    return main(
        ["audit", "--train", "train.npy", "--count", "24", "--planted", "4", "--queries", "50", *words]
    )


def refusal(capsys, *words):
    assert audit(*words) == 1
    written = capsys.readouterr()
    lines = [line for line in written.err.splitlines() if line.startswith(("error: ", "need: ", "remedy: "))]
    assert written.out == "" and len(lines) == 3 and all(line.isprintable() for line in lines)
    assert "byheart" not in "\n".join(lines)
    return lines


def line_of(words):
    return 1 + CODE.splitlines().index(next(line for line in CODE.splitlines() if words in line))


@pytest.mark.parametrize("module", ["parses", "quits", "quits_with_2"])
def test_a_module_that_ends_the_process_audits_nothing(module, here, capsys):
    error, _, remedy = refusal(capsys, "--samples", f"{module}:sampler")
    assert error.startswith(
        f"error: got --samples {module}:sampler, whose module ends the process when it is imported"
    )
    assert f"{module}.py" in remedy


@pytest.mark.parametrize(("name", "code"), [("exits", "0"), ("exits_with_a_word", "no weights")])
def test_a_function_that_ends_the_process_audits_nothing(name, code, here, capsys):
    error, _, remedy = refusal(capsys, "--samples", f"own:{name}")
    assert f"--samples own:{name}, which ends the process when it is called (SystemExit: {code}" in error
    assert f"out of line {1 + line_of(f'def {name}(')} of {here / 'own.py'}" in remedy


def test_the_exit_of_a_module_is_no_verdict_of_the_process(here):
    words = ["audit", "--samples", "quits_with_2:x", "--train", "train.npy", "--debug"]
    done = subprocess.run([sys.executable, "-m", "byheart", *words], capture_output=True, text=True, cwd=here)
    assert done.returncode == 1 and "SystemExit: 2" in done.stderr


@pytest.mark.parametrize(
    ("flag", "name", "said", "line"),
    [
        ("--samples", "function", "RuntimeError", "torch.zeros(n + 1)"),
        ("--samples", "pipeline", "RuntimeError: out of memory", "output_type="),
        ("--samples", "bound", "RuntimeError: out of memory", "output_type="),
        ("--samples", "sampler", "RuntimeError: out of memory", "class Sampler"),
        ("--samples", "images", "TypeError: no such row", "def __getitem__"),
        ("--samples", "denoiser", "RuntimeError", "def forward"),
        ("--samples", "odd", "Odd", "def odd"),
        ("--denoiser", "denoiser", "RuntimeError", "def forward"),
        ("--denoiser", "function", "TypeError", "def function"),
    ],
)
def test_what_fails_in_an_object_is_its_own_fault_with_the_line(flag, name, said, line, here, capsys):
    stored = ["--samples", "train.npy"] if flag == "--denoiser" else []
    if stored:
        np.save(here / "heldout.npy", np.random.default_rng(1).integers(0, 256, (60, 16, 16), dtype=np.uint8))
        np.save(here / "made.npy", np.random.default_rng(2).integers(0, 256, (60, 16, 16), dtype=np.uint8))
        stored = ["--samples", "made.npy", "--heldout", "heldout.npy"]
    error, _, remedy = refusal(capsys, *stored, flag, f"own:{name}")
    assert f"{flag} own:{name}, which fails when it is called ({said}" in error
    number = line_of(line) + {"class Sampler": 2, "torch.zeros(n + 1)": 0}.get(line, 1)
    assert f"line {number} of {here / 'own.py'}" in remedy


@pytest.mark.parametrize("name", ["few_arguments", "few", "rand", "linear"])
def test_a_call_that_python_refuses_is_the_fault_of_what_is_called(name, here, capsys):
    shaped = ["--samples", f"own:{name}"]
    if name == "linear":
        for part in ("heldout", "made"):
            np.save(
                here / f"{part}.npy",
                np.random.default_rng(len(part)).integers(0, 256, (60, 16, 16), dtype=np.uint8),
            )
        shaped = ["--samples", "made.npy", "--heldout", "heldout.npy", "--denoiser", "own:linear"]
    error, _, remedy = refusal(capsys, *shaped)
    assert f"own:{name}, which fails when it is called (TypeError: " in error
    assert "mend it" in remedy


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sizes", "an image of a sizes of shape (1, 16, 17) beside others of (1, 16, 16)"),
        ("lists", "an image of a lists that cannot be read"),
    ],
)
def test_what_no_set_of_images_can_be_made_of_is_refused(name, said, here, capsys):
    assert said in refusal(capsys, "--samples", f"own:{name}")[0]


def test_a_denoiser_that_answers_nothing_is_refused():
    import torch

    from byheart._checks import InputError
    from byheart.denoisers.base import denoise

    with pytest.raises(InputError, match="answers x of shape \\(2, 3\\) with NoneType"):
        denoise(lambda x, sigma: None, torch.zeros(2, 3), torch.ones(()))


def test_what_fails_while_it_is_looked_up_is_its_own_fault(here, capsys):
    error = refusal(capsys, "--samples", "own:lazy.model")[0]
    assert "which fails when it is looked up (RuntimeError: not loaded yet)" in error


def test_a_module_that_is_no_python_is_named_with_its_line(here, capsys):
    assert f"line 1 of {here / 'is_no_python.py'}" in refusal(capsys, "--samples", "is_no_python:x")[2]


def test_what_stops_everything_stops_nothing_else(here, capsys):
    assert "(Stop: here)" in refusal(capsys, "--samples", "stops_all:x")[0]


def test_what_own_code_prints_is_no_result(here, capsys):
    (here / "loud.py").write_text("print('importing')\n" + CODE)
    assert audit("--samples", "loud:speaks") == 3
    written = capsys.readouterr()
    assert written.out.startswith("cannot tell  ")
    assert "importing" in written.err and "drawing 24" in written.err


def test_what_a_module_changes_for_everybody_is_put_back(here, capsys):
    (here / "deep").mkdir()
    (here / "changes.py").write_text(
        "import os, warnings\nimport numpy as np\n"
        "os.chdir('deep'); warnings.simplefilter('error'); np.seterr(all='raise')\n" + CODE
    )
    filters, errors = list(warnings.filters), np.geterr()
    assert audit("--samples", "changes:speaks", "--json", "out.json") == 3
    assert Path.cwd() == here and (here / "out.json").is_file()
    assert warnings.filters == filters and np.geterr() == errors


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\n", "got {}, which was imported in the place of a module of that name"),
        ("1 / 0\n", "ZeroDivisionError: division by zero, out of line 1 of {}"),
    ],
)
def test_a_file_that_hides_a_module_of_python_is_the_users(code, said, here):
    (here / "queue.py").write_text(code)
    words = [sys.executable, "-m", "byheart", "dedup", "digits:0-40"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=here)
    assert done.returncode == 1
    assert said.format(here / "queue.py") in done.stderr and "rename" in done.stderr
