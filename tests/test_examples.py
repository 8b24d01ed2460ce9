"""The examples run, at tiny size."""

import importlib.util
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_run_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {
        "audit_training",
        "exact_copies",
        "watch_training",
    }


def test_exact_copies(capsys):
    copies, floor = example("exact_copies").main(n=16, count=8)
    assert copies == 1.0 and floor < 0.1
    assert "empirical denoiser" in capsys.readouterr().out


def test_watch_training(capsys):
    records = example("watch_training").main(n=8, steps=8, width=16, samples=8)
    assert [record["step"] for record in records] == [2, 4, 8]
    assert capsys.readouterr().out.count("f_mem") == 3


def test_audit_training(capsys):
    results = example("audit_training").main(
        n=40, steps=16, width=16, samples=8, heldout=100, audits=(1 / 2,), planted=4
    )
    assert list(results) == [8] and results[8].channels[0].flags == 0
    assert capsys.readouterr().out.count("f_mem") == 1
