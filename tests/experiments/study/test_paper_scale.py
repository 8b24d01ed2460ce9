"""The published configuration, gone through on a few small files of the published format."""

import numpy as np
import pytest
from PIL import Image

from byheart.data.spec import Data
from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.run import parse_run
from byheart.experiments.study.recipe import load_study


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Thirty JPEGs of CelebA's size and names."""
    folder = tmp_path_factory.mktemp("img_align_celeba")
    draws = np.random.default_rng(0)
    for number in range(1, 31):
        pixels = draws.integers(0, 256, (218, 178, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06d}.jpg")
    return folder


def small(run):
    """The run with its kind of everything kept, and less of it."""
    settings = run.model_dump(mode="json")
    settings |= {"n": 8, "schedule": {"first": 1, "count": 2}}
    settings["data"]["heldout"] = 10
    settings["model"]["width"] = 8
    settings["training"] |= {"steps": 3, "batch": 4}
    settings["plan"]["samples"] = 4
    settings["plan"]["grid"]["steps"] = 4
    return parse_run(settings)


def test_it_runs_on_files_of_the_published_format(faces, tmp_path):
    published = load_study("onset").runs("paper", Data(name="folder", path=str(faces)))["celeba"][0]
    folder = execute(small(published), tmp_path)
    rows, data = folder.rows(), folder.read_record("data")
    assert [row["step"] for row in rows] == [1, 3]
    assert (
        data["shape"] == [1, 32, 32] and data["scale"] == 1.0 and (data["train"], data["heldout"]) == (8, 10)
    )
    assert rows[-1]["epochs"] == pytest.approx(1.5)
    assert rows[-1]["lr_sum"] == pytest.approx(0.03)
    assert all(np.isfinite(row["gap@0.5"]) and row["f_mem_count"] == 4 for row in rows)


def test_it_is_the_published_recipe():
    run = load_study("onset").runs("paper")["celeba"][0]
    model, training = run.model, run.training
    assert (model.width, model.multipliers, model.blocks, model.attention, model.dropout) == (
        32,
        (1, 2, 4),
        2,
        (1, 2),
        0.1,
    )
    assert (training.optimizer, training.lr, training.momentum, training.batch) == ("sgd", 1e-2, 0.95, 512)
    assert training.batches == "epochs" and training.ema_horizon == 0 and training.warmup == 0
    assert run.loss.weighting == "eps" and (run.loss.levels.low, run.loss.levels.high) == (1, 999)
    assert len(run.plan.grid.levels()) == 100 and run.plan.samples == 10_000
    assert not run.data.standardize and run.data.sequential
