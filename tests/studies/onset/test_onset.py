"""What the onset page is given: crossings, strips in pixels, and ratios, from the stored files."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from byheart._checks import InputError
from byheart.experiments.runs.curves import in_order
from byheart.experiments.study.conduct import conduct
from byheart.experiments.study.recipe import load_study
from byheart.experiments.study.records import read_run_records
from byheart.studies.onset.gather import RULES, _threshold, headline_picture, onset_content
from byheart.studies.pages import write_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return conduct(load_study("onset"), "ci", root=tmp_path_factory.mktemp("runs"), page=write_report)


@pytest.fixture(scope="module")
def content(folder):
    return onset_content(folder)


def test_every_run_has_every_time(content):
    assert {(found.n, found.seed) for found in content.crossings} == {(16, 0), (16, 1), (32, 0), (32, 1)}
    assert all(set(found.times) == set(RULES) for found in content.crossings)
    assert content.data_name == "digits" and content.scale == "ci"


def test_runs_that_do_not_count_copies_make_no_page(folder, monkeypatch):
    header = folder.folders()["mlp"][0].header()
    plan = header["spec"]["plan"] | {"measures": [{"kind": "loss_gap"}]}
    changed = header | {"spec": header["spec"] | {"plan": plan}}
    monkeypatch.setattr("byheart.store.folders.RunFolder.header", lambda self: changed)
    with pytest.raises(InputError, match=r"does not count copies.*move .* away"):
        _threshold(folder.folders()["mlp"][0])


def test_strips_show_the_samples_as_pixels(content, folder):
    run = next(run for run in folder.folders()["mlp"] if run.header()["spec"]["n"] == 32)
    strip = next(strip for strip in content.strips if strip.n == 32)
    stored, data = run.load(f"samples-{strip.steps[-1]}"), run.load("data")
    pixels = stored["samples"][0] * data["scale"] + data["center"]
    expected = (pixels.clamp(0, 1) * 255).round().to(torch.uint8)[0].numpy()
    assert np.array_equal(strip.images[0, -1], expected)
    assert strip.ratios[0, -1] == pytest.approx(float(stored["d1"][0] / stored["d2"][0]))
    assert 0 < strip.ratios.max() <= 1


def test_nearest_images_are_training_images(content, folder):
    from byheart.data import Data, load, split

    digits = split(load(Data()), 32, seed=0)
    strip = next(strip for strip in content.strips if strip.n == 32)
    train = (digits.dataset.to_pixels(digits.train).clamp(0, 1) * 255).round().to(torch.uint8)[:, 0].numpy()
    assert all(any(np.array_equal(image, other) for other in train) for image in strip.nearest)


def test_crossings_are_exported(folder):
    lines = (folder.path / "crossings.csv").read_text().splitlines()
    assert lines[0].startswith("arm,n,seed,time,step,low,high") and len(lines) == 1 + 4 * len(RULES)


def test_the_headline_is_drawn_from_committed_records():
    study = load_study("onset")
    known = read_run_records("onset", "cpu")
    curves = in_order(known[run.id].curve for run in study.runs("cpu")[study.main_arm])
    picture = Image.open(BytesIO(headline_picture(curves)))
    assert picture.format == "PNG" and min(picture.size) > 300 and len({curve.n for curve in curves}) == 4
