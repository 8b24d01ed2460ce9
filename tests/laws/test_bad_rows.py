"""Rows of a batch that are NaN, infinite or far from everything: no closed form lets them change another row, or answers them."""

import pytest
import torch
from test_denoisers import DENOISERS, DENSITIES, NARROW, rows


@pytest.fixture(autouse=True, params=[True, False], ids=["gradients on", "off"])
def gradients(request):
    """Whether torch would record: only where it would not may a denoiser choose by values what to compute."""
    with torch.set_grad_enabled(request.param):
        yield


BAD = {"NaN": torch.nan, "infinity": torch.inf, "minus infinity": -torch.inf, "1e100": 1e100}


@pytest.mark.parametrize("name", DENOISERS | NARROW)
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("sigma", [0.1, 1e-5])
def test_a_bad_row_spoils_no_other_and_is_no_answer(name, bad, sigma):
    denoiser, spoiled = (DENOISERS | NARROW)[name], torch.tensor([3, 11])
    others = torch.ones(12, dtype=torch.bool).index_fill(0, spoiled, False)
    for dtype in (torch.float64, torch.float32, torch.float16):  # 1e100 overflows in all but the first
        x = rows(name, 12, seed=5).to(dtype)
        x[spoiled] = torch.tensor(BAD[bad], dtype=torch.float64).to(dtype)
        # A batch of the same size whose two rows call up no other points: those of sound rows, or of their own direction.
        sound, lost = x.clone(), not bool(x[spoiled].isfinite().all())
        sound[spoiled] = x[:2] if lost else 1e4
        found = denoiser(x, sigma)
        assert torch.equal(found[others], denoiser(sound, sigma)[others])
        if lost:
            assert not bool(found[spoiled].isfinite().any())
            assert not bool(denoiser(x[spoiled[:1]], sigma).isfinite().any())  # alone, too
        else:
            alone = torch.cat([denoiser(x[i : i + 1], sigma) for i in spoiled])
            torch.testing.assert_close(found[spoiled], alone, rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", DENOISERS)
@pytest.mark.parametrize("bad", ["NaN", "infinity", "1e100"])
def test_a_bad_row_spoils_no_other_gradient(name, bad):
    denoiser, level = DENOISERS[name], torch.tensor(0.4, dtype=torch.float64)
    sound = rows(name, 6, seed=5)
    sound[3] = sound[0]
    x = sound.clone()
    x[3] = BAD[bad]
    others, found = [0, 1, 2, 4, 5], []
    with torch.enable_grad():
        for batch in (x, sound):
            batch.requires_grad_()
            (gradient,) = torch.autograd.grad(denoiser(batch, level)[others].square().sum(), batch)
            found.append(gradient[others])
    assert torch.equal(*found)


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize("bad", ["NaN", "infinity", "minus infinity"])
def test_a_bad_row_has_no_density(name, bad):
    x = rows(name, 5, seed=5)
    x[2] = BAD[bad]
    found = DENOISERS[name].log_density(x, 0.5)
    assert found.isfinite().tolist() == [True, True, False, True, True]


@pytest.mark.parametrize("name", ["empirical", "partial", "one point", "bytes"])
@pytest.mark.parametrize("bad", ["NaN", "infinity"])
@pytest.mark.parametrize("sigma", [0.5, 1e-9])
def test_a_bad_row_has_no_posterior(name, bad, sigma):
    x = rows(name, 4, seed=5)
    x[2] = BAD[bad]
    found = DENOISERS[name].posterior(x, sigma, count=20)
    for statistic in ("n_eff", "entropy", "log_density", "tail"):
        assert getattr(found, statistic).isfinite().tolist() == [True, True, False, True], statistic
    assert bool(found.top_weights[2].isnan().all())
