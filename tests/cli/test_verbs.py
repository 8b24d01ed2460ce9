"""The verbs that carry out, list, resume and report runs, on a study of seconds."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tiny_study import STUDY

from byheart.cli import main
from byheart.experiments.runs.execute import execute_all
from byheart.experiments.study.conduct import conduct
from byheart.experiments.study.due import Due
from byheart.experiments.study.recipe import load_study
from byheart.experiments.sweeps.sweep import Sweep
from byheart.store.folders import RunFolder, list_runs

SWEEP = """
name = "narrow"
steps_per_image = 1
[base]
model = { kind = "mlp", blocks = 1, frequencies = 4 }
schedule = { first = 4, count = 2 }
plan = { samples = 16, grid = { steps = 4 }, measures = [{ kind = "copies" }, { kind = "loss_gap", images = 16 }] }
[grid]
n = [16]
"model.width" = [8, 12]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a conducted study in `runs`."""
    folder = tmp_path_factory.mktemp("verbs")
    (folder / "tiny.toml").write_text(STUDY)
    (folder / "narrow.toml").write_text(SWEEP)
    assert study(folder) == 0
    return folder


def study(folder, *arguments) -> int:
    recipe, root = str(folder / "tiny.toml"), str(folder / "runs")
    return main(["study", recipe, "--scale", "ci", "--workers", "1", "--root", root, *arguments])


def test_a_study_leaves_runs_a_report_and_its_claims(place):
    (page,) = (place / "runs").glob("tiny-ci-*/report.html")
    assert "A study of seconds." in page.read_text()
    (claim,) = json.loads((page.parent / "claims.json").read_text())["claims"]
    assert (claim["id"], claim["count"]) == ("T-1", 4)
    assert len(list_runs(place / "runs")) == 4


def test_the_same_command_again_computes_nothing(place, capsys):
    before = {folder.id: folder.read_record("done") for folder in list_runs(place / "runs")}
    assert study(place) == 0
    written = capsys.readouterr()
    assert written.err.count("was done before") == 4
    assert re.search(r"T-1 .*(reproduced|unresolved|contradicted)", written.out)
    assert re.search(r"^report: .*report\.html$", written.out, flags=re.M)
    assert {folder.id: folder.read_record("done") for folder in list_runs(place / "runs")} == before


def test_dry_run_estimates_and_writes_nothing(place, tmp_path, capsys):
    shutil.copy(place / "tiny.toml", tmp_path)
    assert study(tmp_path, "--dry-run") == 0
    assert "4 of 4 runs to do, 1 at a time: about " in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
    assert study(place, "--dry-run") == 0
    assert "0 of 4 runs to do" in capsys.readouterr().out


def test_own_images_take_the_place_of_the_recipe_s(place, tmp_path, capsys):
    shutil.copy(place / "tiny.toml", tmp_path)
    draws = np.random.default_rng(0)
    (tmp_path / "mine").mkdir()
    for index in range(60):
        Image.fromarray(draws.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(
            tmp_path / f"mine/{index}.png"
        )
    own = ["--data", str(tmp_path / "mine"), "--size", "8", "--heldout", "40"]
    assert study(tmp_path, *own, "--dry-run") == 1
    assert "20 images to train on" in capsys.readouterr().err
    assert study(tmp_path, *own[:-1], "30") == 0
    assert "T-1" not in capsys.readouterr().out
    runs = list_runs(tmp_path / "runs")
    assert {tuple(run.read_record("data")["shape"]) for run in runs} == {(3, 8, 8)}


def test_ls_lists_runs(place, capsys):
    assert main(["ls", "--root", str(place / "runs")]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split()[:8] == ["run", "kind", "data", "n", "seed", "step", "f_mem", "state"]
    assert {line.split()[0] for line in lines if "tiny" not in line} >= {
        run.id for run in list_runs(place / "runs")
    }
    assert sum("48/48" in line and "whole" in line for line in lines) == 2


def test_ls_exports_a_table(place, tmp_path, capsys):
    assert main(["ls", "--root", str(place / "runs"), "--table", str(tmp_path / "all.csv")]) == 0
    lines = (tmp_path / "all.csv").read_text().splitlines()
    assert f"{len(lines) - 1} records of" in capsys.readouterr().out
    assert {"run", "spec.n", "step", "f_mem"} <= set(lines[0].split(","))


def test_a_cut_off_run_goes_on(place, tmp_path, capsys):
    (whole,) = [
        run
        for run in list_runs(place / "runs")
        if (run.header()["spec"]["n"], run.header()["spec"]["seed"]) == (16, 0)
    ]
    cut = RunFolder(tmp_path / whole.id)
    shutil.copytree(whole.path, cut.path)
    for name in ("done.json", "state.safetensors", "model.safetensors"):
        (cut.path / name).unlink(missing_ok=True)
    assert main(["ls", "--root", str(tmp_path)]) == 0
    assert "cut off" in capsys.readouterr().out
    assert main(["run", whole.id[:6], "--root", str(tmp_path)]) == 0
    assert cut.done

    def measured(folder):
        return [{key: value for key, value in row.items() if key != "seconds"} for row in folder.rows()]

    assert measured(cut) == measured(whole)


def test_a_run_is_sampled(place, tmp_path, capsys):
    run = list_runs(place / "runs")[0]
    command = ["sample", "--run", str(run.path), "--count", "4", "--out"]
    assert main([*command, str(tmp_path / "a.npz")]) == 0
    assert main([*command, str(tmp_path / "b.npz"), "--steps", "7"]) == 0
    own, other = (np.load(tmp_path / f"{name}.npz")["samples"] for name in "ab")
    assert own.shape == (4, 1, 8, 8)
    assert np.abs(own - other).max() > 1e-3


def test_a_report_is_written_again(place, capsys):
    (page,) = (place / "runs").glob("tiny-ci-*/report.html")
    before = page.read_text()
    page.unlink()
    assert main(["report", str(page.parent)]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    assert page.read_text() == before


def test_a_page_that_cannot_be_drawn_loses_no_study(place, monkeypatch, capsys):
    (page,) = (place / "runs").glob("tiny-ci-*/report.html")
    before = page.read_text()
    with monkeypatch.context() as broken:
        broken.setattr("byheart.report.environment.svg", lambda *arguments: 1 / 0)
        page.unlink()
        assert study(place) == 0
        written = capsys.readouterr()
        assert re.search(r"T-1 .*(reproduced|unresolved|contradicted)", written.out)
        assert "report:" not in written.out and not page.exists()
        warning = written.err.splitlines()[-1]
        assert warning.startswith(
            "warning: the page could not be drawn (ZeroDivisionError: division by zero)"
        )
        assert warning.endswith(f"byheart report {page.parent}")
        assert (page.parent / "claims.json").exists() and (page.parent / "table.csv").exists()
    assert main(["report", str(page.parent)]) == 0
    assert page.read_text() == before


def test_python_gets_the_study_and_a_warning_where_its_page_cannot_be_drawn(place):
    def fail(folder):
        raise OSError(28, "No space left on device")

    recipe = load_study(str(place / "tiny.toml"))
    with pytest.warns(UserWarning, match="No space left on device.*byheart report"):
        folder = conduct(recipe, "ci", root=place / "runs", page=fail)
    assert folder.claims()[0]["id"] == "T-1"


def test_a_sweep_runs_its_grid(place, tmp_path, capsys):
    command = ["sweep", str(place / "narrow.toml"), "--root", str(tmp_path), "--workers", "1"]
    assert main([*command, "--dry-run"]) == 0
    planned = capsys.readouterr().out
    assert "2 of 2 runs to do" in planned
    assert main(command) == 0
    said = capsys.readouterr().err
    assert main(["ls", "--root", str(tmp_path)]) == 0
    listed = capsys.readouterr().out
    for text in (planned, said, listed):
        assert "model.width=8" in text and "model.width=12" in text
    widths = {run.header()["spec"]["model"]["width"] for run in list_runs(tmp_path)}
    assert widths == {8, 12}


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        (["study", "nope"], "study 'nope'"),
        (["study", "onset", "--scale", "huge"], "scale 'huge'"),
        (["study", "onset", "--data", "nowhere"], "--data nowhere"),
        (["study", "onset", "--scale", "ci", "--device", "cuda", "--workers", "1"], "device 'cuda'"),
        (["study", "nope.toml"], "no such file: nope.toml"),
        (["sweep", "absent.toml"], "no such file: absent.toml"),
        (["sweep", "bad.toml"], "bad.toml"),
        (["sweep", "kind.toml"], "a run of kind 'survey'"),
        (["sweep", "typo.toml"], "base.model.widht = 8"),
        (["sweep", "typo.toml", "--executor", "ray"], "executor 'ray'"),
        (["run", "absent"], "run 'absent'"),
        (["report", "."], "., which holds no study.json"),
        (["claims", "--measure", "S9-Z"], "claims ['S9-Z']"),
        (["ls", "--table", "x.csv"], "a table without rows"),
        (
            ["theory", "collapse", "--figure", "nowhere/x.png"],
            "--figure nowhere/x.png, in a folder that does",
        ),
        (["ls", "--table", "nowhere/x.csv"], "--table nowhere/x.csv, in a folder that does not exist"),
    ],
    ids=str,
)
def test_bad_requests_are_explained(arguments, got, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    (tmp_path / "bad.toml").write_text("name = \n")
    (tmp_path / "kind.toml").write_text('name = "a"\n[base]\nkind = "survey"\nn = 8')
    (tmp_path / "typo.toml").write_text(
        'name = "a"\n[base]\nn = 8\ntraining = { steps = 1 }\nmodel = { kind = "mlp", widht = 8 }'
    )
    before = set(tmp_path.iterdir())
    assert main(arguments) == 1
    written = capsys.readouterr()
    lines = written.err.splitlines()[-3:]
    assert lines[0].startswith("error: got ")
    assert got in lines[0]
    assert [line.partition(":")[0] for line in lines] == ["error", "need", "remedy"]
    assert written.out == ""
    assert {path for path in set(tmp_path.iterdir()) - before if path.name != "runs"} == set()


def test_own_images_that_repeat_are_said_and_kept_once(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "x.npy", np.concatenate([images, images]))
    (tmp_path / "tiny.toml").write_text(STUDY)
    data = ["--data", str(tmp_path / "x.npy"), "--heldout", "20"]
    assert study(tmp_path, *data, "--dry-run") == 0
    assert capsys.readouterr().out.count("repeat an earlier one") == 1
    assert study(tmp_path, *data) == 0
    assert capsys.readouterr().err.count("repeat an earlier one") == 1
    assert study(tmp_path, *data, "--distinct") == 0
    assert "repeat" not in capsys.readouterr().err
    pages = [page.read_text() for page in (tmp_path / "runs").glob("tiny-ci-*/report.html")]
    assert sorted("Take care" in page for page in pages) == [False, True]
    (command,) = [
        json.loads(file.read_text())["command"]
        for file in (tmp_path / "runs").glob("tiny-ci-*/study.json")
        if "--distinct" in file.read_text()
    ]
    assert command == f"byheart study {tmp_path / 'tiny.toml'} --scale ci {shlex.join([*data, '--distinct'])}"


def test_a_sweep_says_once_that_images_repeat_and_workers_warn_of_nothing(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "x.npy", np.concatenate([images, images]))
    own = f'[base]\ndata = {{ name = "arrays", path = "{tmp_path / "x.npy"}", heldout = 20 }}'
    (tmp_path / "narrow.toml").write_text(SWEEP.replace("[base]", own))
    command = ["sweep", str(tmp_path / "narrow.toml"), "--root", str(tmp_path / "runs"), "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "byheart", *command], capture_output=True, text=True, check=True
    )
    assert done.stderr.count("repeat an earlier one") == 1
    assert "Warning" not in done.stderr


def test_python_is_warned_of_what_keeps_numbers_from_meaning_what_they_say(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "x.npy", np.concatenate([images, images]))
    (tmp_path / "narrow.toml").write_text(SWEEP)
    sweep = Sweep.from_toml(tmp_path / "narrow.toml")
    data = {"name": "arrays", "path": str(tmp_path / "x.npy"), "heldout": 20}
    run = sweep.model_copy(update={"base": {**sweep.base, "data": data}}).runs()[0]
    with (
        pytest.warns(UserWarning, match="repeat an earlier one"),
        pytest.warns(UserWarning, match="held-out"),
    ):
        execute_all([run], tmp_path / "runs")


@pytest.mark.parametrize("words", [["--record"], ["--scale", "huge"], ["--scale", "ci"]])
def test_how_claims_are_measured_says_nothing_without_measuring(words, capsys):
    assert main(["claims", *words]) == 1
    assert "--measure" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--json"], ["--record"], [], ["S3-A"]])
def test_what_is_due_is_asked_for_alone(words, capsys):
    asked = [
        "claims",
        "--dry-run",
        *(["--measure", *words] if words == ["S3-A"] else ["--measure", "due", *words] if words else []),
    ]
    assert main(asked) == 1
    assert "byheart claims --measure due --dry-run" in capsys.readouterr().err


def test_what_is_due_is_listed_with_its_reason_and_time(monkeypatch, capsys):
    rows = [
        Due("onset", "S3-A", "mlp", "training/ema.py", 3, 4.0),
        Due("onset", "S3-B", "mlp", "training/ema.py", 3, 4.0),
        Due("onset", "B-X", "unet", "the claim itself", 0, 0.0),
        Due("onset", "B-Y", "other", "never measured", 2, None),
    ]
    monkeypatch.setattr("byheart.experiments.study.due.due_claims", lambda scale: rows)
    assert main(["claims", "--measure", "due", "--dry-run", "--workers", "2"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "S3-A onset 3 4.0 training/ema.py" in said
    assert "4 claims of scale cpu: 5 runs to carry out, about 2 minutes, 2 at a time" in said
    assert "nobody timed the runs of 1 arm" in said
    assert "1 claim can be decided from the committed records" in said


def test_a_scale_that_does_not_exist_is_not_up_to_date(capsys):
    assert main(["claims", "--measure", "due", "--scale", "cpuu"]) == 1
    assert "did you mean cpu?" in capsys.readouterr().err
