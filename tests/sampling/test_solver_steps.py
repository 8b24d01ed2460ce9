import pytest
import torch

from byheart._checks import InputError
from byheart.noise import karras_levels
from byheart.sampling import ancestral_step, euler_step, heun_step, integrate, solver


def halves(x, sigma):
    return x / 2


def number(value):
    return torch.tensor(value, dtype=torch.float64)


def test_steps_by_hand():
    x = torch.full((1, 1), 8.0, dtype=torch.float64)
    # D = 4, d = (8 − 4)/2 = 2: Euler goes to 8 + (1 − 2)·2 = 6.
    assert euler_step(halves, x, number(2.0), number(1.0)).item() == 6
    # There D = 3, d̂ = 3: Heun goes to 8 − (2 + 3)/2 = 5.5.
    assert heun_step(halves, x, number(2.0), number(1.0)).item() == 5.5
    # (σ₊/σ)² = ¼: 4 + ¼·4 + 1·√¾·z with z = 2.
    found = ancestral_step(halves, x, number(2.0), number(1.0), lambda shape: torch.full((1, *shape), 2.0))
    assert found.item() == pytest.approx(5 + 2 * 0.75**0.5, rel=1e-15)


@pytest.mark.parametrize(("step", "calls"), [(euler_step, 6), (heun_step, 11)])
def test_cost(step, calls):
    count = 0

    def counting(x, sigma):
        nonlocal count
        count += 1
        return x / 2

    list(integrate(step, counting, torch.ones(2, 3), karras_levels(6)))
    assert count == calls


def test_the_denoiser_sees_levels_in_the_dtype_of_x():
    dtypes = []

    def watching(x, sigma):
        dtypes.append((x.dtype, sigma.dtype, sigma.shape))
        return x / 2

    for dtype in (torch.float32, torch.float64):
        states = list(integrate(heun_step, watching, torch.ones(2, 3, dtype=dtype), karras_levels(3)))
        assert {state.dtype for state in states} == {dtype}
        assert set(dtypes) == {(dtype, dtype, torch.Size([]))}
        dtypes.clear()


def test_small_levels_do_not_lose_digits():
    # x differs from D in the tenth digit: the difference over σ must not be formed and multiplied back.
    x = torch.tensor([[1.0 + 1e-10]], dtype=torch.float64)
    found = euler_step(lambda x, sigma: torch.ones_like(x), x, number(1e-10), number(1e-13))
    assert found.item() == pytest.approx(1 + 1e-13, abs=3e-16)


def test_ancestral_without_noise_is_refused():
    with pytest.raises(InputError, match="SeededNoise"):
        list(integrate(ancestral_step, halves, torch.ones(2, 3), karras_levels(3)))


@pytest.mark.parametrize(
    "levels",
    [
        [],
        [1.0],
        [1.0, 2.0],
        [1.0, 1.0],
        [2.0, 1.0, -0.5],
        [2.0, float("nan"), 0.5],
        [float("inf"), 1.0],
        [[2.0, 1.0]],
    ],
)
def test_levels_that_do_not_decrease_are_refused(levels):
    with pytest.raises(InputError, match="strictly decreasing"):
        list(integrate(euler_step, halves, torch.ones(2, 3), torch.tensor(levels)))


def test_solvers_by_name():
    assert (solver("euler"), solver("heun"), solver("ancestral")) == (euler_step, heun_step, ancestral_step)
    with pytest.raises(InputError, match="euler, heun, ancestral"):
        solver("ddim")
