import math

import pytest
import torch

from byheart._checks import InputError
from byheart.noise import DDPM, OU, SIGMA_MAX, VE, VP, Flow, S1Process


def test_vp_integrates_its_rate():
    process = VP(beta_min=0.3, beta_max=7.0)
    t = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    rate = 0.3 + t * 6.7
    exponent = torch.trapezoid(rate, t).item()  # exact for a linear rate
    assert process.alpha(1.0).item() == pytest.approx(math.exp(-exponent / 2), rel=1e-12)


def test_vp_of_s2_ends_where_its_authors_say():
    process = VP(beta_min=0.001, beta_max=3.0)
    assert process.alpha(1.0).item() == pytest.approx(0.472, abs=5e-4)
    assert process.sigma(1.0).item() == pytest.approx(0.881, abs=5e-4)


def test_small_times_keep_their_digits():
    # √(1 − α²) computed as such would be 0 here.
    assert OU().sigma(1e-20).item() == pytest.approx(math.sqrt(2e-20), rel=1e-12)
    assert VP(beta_min=1.0, beta_max=2.0).time(1e-10).item() == pytest.approx(1e-20, rel=1e-9)


@pytest.mark.parametrize("process", [Flow(), S1Process()], ids=["flow", "s1"])
def test_pure_noise_is_capped(process):
    assert process.alpha(1.0) == 0
    assert process.level(1.0) == SIGMA_MAX


def test_a_steep_process_is_capped():
    process = VP(beta_min=1.0, beta_max=60.0)  # e^15 at its end
    assert process.level(1.0) == SIGMA_MAX
    assert process.level(process.time(SIGMA_MAX)).item() == pytest.approx(SIGMA_MAX, rel=1e-9)
    assert process.time(1e6) == process.time(SIGMA_MAX)


def test_ou_ends_at_the_cap():
    assert OU().level(OU().t_max).item() == pytest.approx(SIGMA_MAX, rel=1e-12)


def test_ddpm_is_the_product_of_its_rates():
    process = DDPM(steps=50, beta_start=0.01, beta_end=0.3)
    abar = (1 - torch.linspace(0.01, 0.3, 50, dtype=torch.float64)).cumprod(0)
    torch.testing.assert_close(process.alpha(torch.arange(50)).square(), abar, rtol=1e-13, atol=0)


def test_ddpm_between_indices():
    process = DDPM()
    below, above = process.alpha(40).log(), process.alpha(41).log()
    torch.testing.assert_close(process.alpha(40.25).log(), 0.75 * below + 0.25 * above)
    assert process.time(0.001) == 0  # less noise than index 0 has
    assert process.time(process.level(137)).item() == pytest.approx(137, abs=1e-9)


@pytest.mark.parametrize(
    "build",
    [
        lambda: VP(beta_min=3.0, beta_max=1.0),
        lambda: VP(beta_min=0.0),
        lambda: DDPM(beta_start=0.02, beta_end=1e-4),
        lambda: DDPM(steps=1),
        lambda: DDPM(beta_end=1.0),
        lambda: VE(sigma_max=-1.0),
        lambda: VE(sigma_max=1e6),
        lambda: VE(sigma_max=float("nan")),
    ],
)
def test_bad_settings_are_refused(build):
    with pytest.raises(InputError):
        build()
