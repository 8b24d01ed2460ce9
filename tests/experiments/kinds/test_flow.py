"""Runs of kind flow: what S2 says of trajectories, noted by the run itself."""

import math
from itertools import pairwise

import pytest
import torch

from byheart._checks import InputError
from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.run import parse_run

GRID = {"kind": "geometric", "steps": 120, "low": 1e-5, "high": 4.6366}


def flow(tmp_path, **settings):
    run = parse_run({"kind": "flow", "count": 60, "grid": GRID, **settings})
    return execute(run, tmp_path)


def tikhonov(strength):
    return {"shrinkage": {"kind": "tikhonov", "strength": strength}}


def test_the_exact_score_ends_in_training_points_and_keeps_a_third_of_the_cells(tmp_path):
    folder = flow(tmp_path, count=400)
    last = folder.rows()[-1]
    assert last["level"] == 0 and last["within@0.01"] == 1 and last["distance/max"] < 1e-4
    assert last["cell/kept_low"] < 0.27 < last["cell/kept_high"]  # S2's points, VE: 27 %
    first = folder.rows()[0]
    assert first["level"] == pytest.approx(4.6366) and first["cell/kept"] == 1
    hull = [row["hull/outside"] for row in folder.rows()]
    assert hull[0] > 3 and hull[-1] < 1e-4
    assert all(b <= a + 1e-9 for a, b in pairwise(hull))  # the hull absorbs
    levels = [row["level"] for row in folder.rows()]
    assert len(levels) == 26 and levels == sorted(levels, reverse=True)


def test_the_bound_on_the_hull_distance(tmp_path):
    rows = flow(tmp_path).rows()
    start = rows[0]
    for row in rows[1:-1]:  # dist ≤ σ/σ₀ · dist₀, up to the solver's error
        assert row["hull/outside"] <= row["level"] / start["level"] * start["hull/outside"] * 1.01 + 1e-6


def test_stored_paths_end_where_the_samples_are(tmp_path):
    stored = flow(tmp_path).arrays("samples-0")
    assert stored["paths"].shape == (60, 26, 2) and stored["levels"].shape == (26,)
    torch.testing.assert_close(torch.from_numpy(stored["paths"][:, -1]), torch.from_numpy(stored["samples"]))
    gap = torch.from_numpy(stored["samples"] - stored["nearest_images"]).norm(dim=1)
    torch.testing.assert_close(gap.double(), torch.from_numpy(stored["d1"]).double(), rtol=0, atol=1e-5)


def test_formulas_stand_beside_what_they_say(tmp_path):
    last = flow(tmp_path, denoiser=tikhonov(1e-4), tolerances=[0.01, 0.02]).rows()[-1]
    assert last["formula/within@0.01"] == pytest.approx(1 - math.exp(-0.5))
    assert last["formula/within@0.02"] == pytest.approx(1 - math.exp(-2))
    assert last["formula/distance/mean"] == pytest.approx(math.sqrt(math.pi * 1e-4 / 2))
    assert last["formula/rms"] == pytest.approx(0.01) and last["rms"] == pytest.approx(0.01, rel=0.2)
    assert last["denoised/distance"] < 1e-4 < last["distance/mean"]
    kappa = {"shrinkage": {"kind": "consistency", "kappa": 2.0}}
    assert flow(tmp_path, denoiser=kappa).rows()[-1]["formula/within@0.01"] == pytest.approx(1 - math.exp(-2))
    power = {"shrinkage": {"kind": "power", "gamma": 1.0}}
    assert "formula/within@0.01" not in flow(tmp_path, denoiser=power).rows()[-1]


@pytest.mark.parametrize("points", ["pair", "cross"])
def test_between_two_points_the_flow_stays_until_it_is_pushed(tmp_path, points):
    settings = {"points": points, "start": "hyperplane", "grid": {**GRID, "low": 0.01, "high": 2.1}}
    still, pushed = (flow(tmp_path, **settings, offset=offset).rows() for offset in (0.0, 1e-6))
    assert still[-1]["midpoint/distance"] < 1e-6 and still[-1]["within@0.01"] == 0
    assert pushed[-1]["within@0.01"] == 1 and pushed[-1]["plane/distance"] > 0.5
    half = 1.0 if points == "pair" else math.sqrt(0.5)
    assert pushed[-1]["formula/escape"] == pytest.approx(half / math.sqrt(8 * math.log(half / 1e-6)))
    assert pushed[-1]["escape/error"] < 0.15
    # It leaves about where theory says: settled by a quarter of that level, still near the plane at twice it.
    for row in pushed[:-1]:
        if row["level"] > 4 * pushed[-1]["formula/escape"]:
            assert row["plane/distance"] < 0.2 * half
        if row["level"] < 0.5 * pushed[-1]["formula/escape"]:
            assert row["plane/distance"] > 0.6 * half


def test_a_process_in_its_own_time_is_the_same_flow(tmp_path):
    vp = {"kind": "vp", "beta_min": 0.001, "beta_max": 3.0}
    settings = {"own_time": True, "solver": "adaptive", "rtol": 1e-9, "count": 10}
    last = flow(
        tmp_path, **settings, process=vp, grid={**GRID, "steps": 10, "low": 0.01, "high": 1.8665}
    ).rows()[-1]
    assert 0 < last["frame/difference"] < 1e-6
    with pytest.raises(InputError, match=r"set grid\.high below 1\.86653"):
        flow(tmp_path, **settings, process=vp)


def test_a_label_of_its_own_returns_the_point(tmp_path):
    narrow, wide = (flow(tmp_path, kernel_width=width).rows()[-1] for width in (1e-6, 1e3))
    assert narrow["within@0.01/own"] == 1 and wide["within@0.01/own"] < 0.3
    assert narrow["within@0.01"] == wide["within@0.01"] == 1


@pytest.mark.parametrize("solver", ["ancestral", "sde", "maruyama"])
def test_stochastic_solvers_copy_too(tmp_path, solver):
    grid = {"kind": "process", "process": {"kind": "s2_ve"}, "steps": 400} if solver == "maruyama" else GRID
    last = flow(tmp_path, solver=solver, grid=grid, tolerances=[0.2]).rows()[-1]
    assert last["within@0.2"] > 0.95  # Euler and Maruyama leave the noise of their last step, 0.05


def test_seeds_choose_starts_and_the_same_seed_the_same_ones(tmp_path):
    rows = [flow(tmp_path / str(place), seed=seed).rows()[-1] for place, seed in enumerate((0, 0, 1))]
    assert rows[0] == rows[1] and rows[0]["cell/kept"] != rows[2]["cell/kept"]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"offset": 0.1}, "hyperplane"),
        ({"kernel_width": 0.1, "denoiser": tikhonov(0.1)}, "kernel"),
        ({"n": 9999}, "9999 points of 520"),
        ({"n": 1}, "n"),
        ({"start": "hyperplane"}, "pair"),
        ({"start": "hyperplane", "points": "pair", "offset": 1.0}, "half"),
        ({"denoiser": {"kind": "gaussian", "shrinkage": {"kind": "consistency", "kappa": 1.0}}}, "points"),
        ({"solver": "maruyama", "process": {"kind": "ddpm"}}, "discrete"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, settings, word):
    with pytest.raises(ValueError, match=word):
        flow(tmp_path, **settings)
