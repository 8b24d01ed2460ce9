"""Runs are carried out once, resumed bit for bit, and refuse what does not fit."""

import json
from concurrent.futures import BrokenExecutor

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tiny_run import tiny_settings

from byheart._checks import InputError
from byheart.data import Data
from byheart.data.reader.reading import Reading
from byheart.executors.local import Outcome
from byheart.experiments.kinds.shared import clock
from byheart.experiments.kinds.shared import split as split_module
from byheart.experiments.runs.execute import execute, execute_all, failures
from byheart.experiments.runs.load import load
from byheart.experiments.runs.run import parse_run
from byheart.sampling.draw import automatic_batch


def plain(rows):
    """Rows without what a clock says."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_folder_holds_what_a_stranger_needs(finished, tiny):
    header = finished.header()
    assert parse_run(header["spec"]) == tiny and finished.id == tiny.id
    assert {"byheart", "torch", "numpy", "python", "threads", "backend", "device", "code"} <= set(header)
    data = finished.read_record("data")
    assert (
        header["data"] == data and data["fingerprint"] and data["train"] == 16 and data["shape"] == [1, 8, 8]
    )
    assert finished.read_record("references")["f_mem/empirical"] == 1.0
    assert [row["step"] for row in finished.rows()] == tiny.schedule.steps(40) == finished.sample_steps()


def test_same_run_same_bits(finished, tiny, tmp_path):
    again = execute(tiny, tmp_path)
    assert plain(again.rows()) == plain(finished.rows())
    assert_same_tensors(again, finished, "model", "state", "samples-40")


@pytest.mark.parametrize("at", [10, 24, 39])  # at an evaluation, at an update of the average, at neither
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"training": {"steps": 40, "batch": 8, "optimizer": "sgd", "lr": 1e-2, "batches": "epochs"}},
        {"model": {"kind": "unet", "width": 8, "dropout": 0.1}, "training": {"steps": 40, "batch": 4}},
    ],
    ids=["adam", "sgd-epochs", "unet-dropout"],
)
def test_interrupted_run_goes_on_bit_for_bit(changes, at, tmp_path, monkeypatch):
    run = parse_run(tiny_settings(**changes))
    whole = execute(run, tmp_path / "whole")

    monkeypatch.setattr(clock, "CHECKPOINT_SECONDS", 0.0)  # a checkpoint at every step …
    with pytest.raises(KeyboardInterrupt):
        execute(
            run, tmp_path / "cut", tell=interrupt_at(at, monkeypatch)
        )  # … and the power fails at step `at`
    events = []
    resumed = execute(run, tmp_path / "cut", tell=events.append)
    assert [event["step"] for event in events if event["kind"] == "start"] == [at]
    assert plain(resumed.rows()) == plain(whole.rows())
    assert_same_tensors(
        resumed, whole, "model", "state", *(f"samples-{step}" for step in whole.sample_steps())
    )


def interrupt_at(step, monkeypatch):
    monkeypatch.setattr(clock, "TELL_SECONDS", 0.0)

    def tell(event):
        if event["kind"] == "progress" and event["step"] == step:
            raise KeyboardInterrupt

    return tell


def assert_same_tensors(one, other, *names):
    for name in names:
        first, second = one.load(name), other.load(name)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first), name


def test_rows_measured_after_the_last_state_are_measured_again(tiny, finished, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        execute(tiny, tmp_path, tell=interrupt_at(15, monkeypatch))
    folder = execute_folder(tmp_path, tiny)
    folder.append({"step": 20, "f_mem": 123.0})  # a row whose state was never saved
    assert plain(execute(tiny, tmp_path).rows()) == plain(finished.rows())


def execute_folder(root, run):
    from byheart.store.folders import RunFolder

    return RunFolder(root / run.id)


def test_whole_run_is_not_touched(finished, tiny):
    before = (finished.path / "rows.jsonl").stat().st_mtime_ns
    events = []
    assert execute(tiny, finished.path.parent, tell=events.append) == finished
    assert (finished.path / "rows.jsonl").stat().st_mtime_ns == before
    assert events == [{"kind": "done", "run": tiny.id, "n": tiny.n, "seed": tiny.seed, "cached": True}]


def test_workers_and_this_process_agree(finished, tiny, tmp_path):
    other = parse_run(tiny_settings(seed=1))
    outcomes = execute_all([tiny, other], tmp_path, workers=2)
    assert failures(outcomes, [tiny, other]) is None
    assert plain(outcomes[0].value.rows()) == plain(finished.rows()) != plain(outcomes[1].value.rows())


def test_equal_runs_are_one_run(tiny, tmp_path):
    outcomes = execute_all([tiny, tiny], tmp_path, workers=2)
    assert [outcome.value.id for outcome in outcomes] == [tiny.id] * 2 and [o.index for o in outcomes] == [
        0,
        1,
    ]


def test_a_run_is_not_finished_by_other_code(tiny, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        execute(tiny, tmp_path, tell=interrupt_at(15, monkeypatch))
    monkeypatch.setattr("byheart.experiments.runs.execute.run_code", lambda kind: "another")
    with pytest.raises(InputError, match="other code"):
        execute(tiny, tmp_path)


def test_closed_form_run_is_exact_copying(tmp_path):
    run = parse_run({"kind": "closed_form", "n": 16, "plan": {"samples": 32}})
    (row,) = execute(run, tmp_path).rows()
    assert row["step"] == 0 and row["f_mem"] == 1.0 and row["f_mem_count"] == 32


@pytest.mark.parametrize("kind", ["training", "closed_form"])
def test_a_run_whose_plan_needs_no_samples_stores_none(kind, tmp_path):
    settings = {"plan": {"measures": [{"kind": "loss_gap", "sigmas": [0.5]}]}}
    run = parse_run(tiny_settings(**settings) if kind == "training" else {"kind": kind, "n": 16, **settings})
    folder = execute(run, tmp_path)
    assert folder.sample_steps() == []
    assert all(row["gap@0.5"] > -1 and "f_mem" not in row for row in folder.rows())
    assert "f_mem/heldout" not in folder.read_record("references")


def test_checkpoint_comes_back_as_the_denoiser_that_was_measured(finished, tiny):
    model = load(finished)
    samples = finished.load("samples-40")["samples"]
    import byheart

    again = byheart.sample(model, seeds=range(16), levels=model.levels, solver=tiny.plan.solver)
    torch.testing.assert_close(again, samples, atol=1e-3, rtol=1e-3)
    assert model.step == 40 and model.shape == (1, 8, 8)
    pixels = model.to_pixels(samples)
    assert pixels.min() > -1 and pixels.max() < 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (tiny_settings(n=5000), "5000"),
        (tiny_settings(data={"name": "nonsense"}), "nonsense"),
        (tiny_settings(data={"name": "folder", "path": "absent"}), "absent"),
        (tiny_settings(data={"standardize": False}), "data of RMS 1"),
        ({"kind": "closed_form", "n": 8, "denoiser": {"kind": "partial"}}, "no denoiser.memorized"),
    ],
)
def test_what_does_not_fit_is_refused(settings, said, tmp_path):
    with pytest.raises((InputError, ValidationError), match=said):
        execute(parse_run(settings), tmp_path)


def test_device_this_machine_lacks_is_refused(tiny, tmp_path):
    with pytest.raises(InputError, match="tpu"):
        execute(tiny, tmp_path, device="tpu")


def test_a_loaded_run_knows_how_its_pictures_were_read(tmp_path, tiny):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 17, (60, 8, 8), dtype=np.uint8))
    reading = {"orientation": "stored", "white": 16}
    data = Data(name="arrays", path=str(tmp_path / "x.npy"), heldout=20, **reading)
    folder = execute(tiny.model_copy(update={"data": data}), tmp_path)
    assert load(folder).reading == Reading(**reading)


def test_load_refuses_what_it_cannot_give_back(tmp_path, tiny):
    with pytest.raises(InputError, match="no run has"):
        load("absent", tmp_path)
    closed = execute(parse_run({"kind": "closed_form", "n": 8, "plan": {"samples": 4}}), tmp_path)
    with pytest.raises(InputError, match="closed_form"):
        load(closed)
    folder = execute_folder(tmp_path, tiny)
    folder.start({"spec": tiny.model_dump(mode="json")})
    with pytest.raises(InputError, match="not whole"):
        load(folder)


def test_damaged_state_is_refused_not_read_as_whole(tiny, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        execute(tiny, tmp_path, tell=interrupt_at(15, monkeypatch))
    folder = execute_folder(tmp_path, tiny)
    whole = (folder.path / "state.safetensors").read_bytes()
    (folder.path / "state.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        execute(tiny, tmp_path)


def test_one_failure_stops_no_other(tmp_path, tiny):
    runs = [parse_run(tiny_settings(n=5000)), tiny]
    outcomes = execute_all(runs, tmp_path)
    assert outcomes[1].value is not None
    assert "1 of 2 runs" in str(failures(outcomes, runs))


@pytest.mark.parametrize(
    ("error", "got", "need", "remedy"),
    [
        (InputError(got="a", need="b", remedy="c"), "seed 1: a)", "b", "c. Then run the same"),
        (
            OSError(28, "No space left on device", "/x/rows"),
            "/x/rows (No space left",
            "free space",
            "make room",
        ),
        (
            FileNotFoundError(2, "No such file", "/proc/x"),
            "/proc/x (No such file)",
            "a path",
            "check the path",
        ),
        (BrokenExecutor("a worker was killed by SIGKILL"), "killed by SIGKILL)", "that live", "--workers 1"),
        (MemoryError(), "MemoryError", "more memory", "--workers 1"),
        (KeyError("step"), "KeyError: 'step')", "every run whole", "--debug"),
    ],
    ids=lambda part: type(part).__name__,
)
def test_every_failure_has_its_own_remedy(error, got, need, remedy, tiny):
    runs = [tiny, parse_run(tiny_settings(seed=1))]
    found = failures([Outcome(0, value=None), Outcome(1, error=error, trace="TRACE")], runs)
    assert found.got.startswith("1 of 2 runs that failed (first: n = 16, seed 1: ")
    assert got in found.got and need in found.need and remedy in found.remedy
    assert found.remedy.endswith("whole runs are kept, the others are resumed")
    assert found.__notes__ == ["TRACE"]


def test_run_json_is_plain(finished):
    assert json.loads((finished.path / "run.json").read_text())["schema"] == 1


def test_run_goes_on_with_the_data_it_began_with_or_not_at_all(tmp_path, monkeypatch):
    import numpy as np

    def store(seed):
        images = np.random.default_rng(seed).integers(0, 256, (40, 8, 8), dtype=np.uint8)
        np.save(tmp_path / "images.npy", images)
        split_module._read.cache_clear()

    store(0)
    run = parse_run(tiny_settings(data={"name": "arrays", "path": str(tmp_path / "images.npy")}))
    with pytest.raises(KeyboardInterrupt):
        execute(run, tmp_path, tell=interrupt_at(15, monkeypatch))
    store(1)
    with pytest.raises(InputError, match="began with"):
        execute(run, tmp_path)
    store(0)
    assert execute(run, tmp_path).done


def test_seconds_add_up_over_interruptions_and_count_once(tiny, tmp_path, monkeypatch):
    folder = execute_folder(tmp_path, tiny)
    folder.write_record("clock", {"seconds": 100.0})
    times = iter([20.0, 27.0])
    monkeypatch.setattr("byheart.experiments.runs.execute.perf_counter", lambda: next(times))
    assert execute(tiny, tmp_path).read_record("done")["seconds"] == 107.0
    assert folder.read_record("clock")["seconds"] > 100.0


def test_a_whole_run_whose_files_changed_is_set_aside_and_made_anew(tmp_path):
    def write(seed):
        np.savez(tmp_path / "x.npz", images=np.random.default_rng(seed).random((30, 4, 4)).astype(np.float32))

    write(0)
    run = parse_run(tiny_settings(data={"name": "arrays", "path": str(tmp_path / "x.npz")}, n=8))
    first = execute(run, tmp_path / "runs").read_record("data")["fingerprint"]
    assert execute(run, tmp_path / "runs").read_record("data")["fingerprint"] == first
    write(1)
    events = []
    again = execute(run, tmp_path / "runs", tell=events.append)
    assert again.done and again.read_record("data")["fingerprint"] != first
    assert (tmp_path / "runs" / ".stale" / f"{run.id}-{first[:12]}" / "done.json").exists()
    assert any("saw other data" in event.get("text", "") for event in events)


def test_data_that_are_not_there_leave_no_folder(tmp_path):
    run = parse_run(tiny_settings(data={"name": "folder", "path": str(tmp_path / "absent")}))
    with pytest.raises(InputError):
        execute(run, tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*"))


def test_a_run_goes_on_with_the_threads_it_began_with(tiny, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        execute(tiny, tmp_path, tell=interrupt_at(15, monkeypatch))
    seen = []
    torch.set_num_threads(2)
    try:
        execute(tiny, tmp_path, tell=lambda event: seen.append(torch.get_num_threads()))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert 1 in seen


def test_a_checkpoint_refuses_level_zero_and_knows_its_batch(finished):
    model = load(finished)
    with pytest.raises(InputError, match="positive"):
        model(torch.zeros(1, 1, 8, 8), torch.tensor(0.0))
    assert automatic_batch((1, 8, 8), model) == automatic_batch((1, 8, 8), model.network) > 256
