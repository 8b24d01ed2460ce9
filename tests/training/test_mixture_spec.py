"""Recipes of mixtures: S1's grid, learning rates, and the published numbers."""

import pytest

from byheart._checks import InputError
from byheart.noise.process import VE
from byheart.training.mixture_spec import MixtureTraining, mixture_recipe


def test_the_grid_is_s1s():
    spec = MixtureTraining()
    t = spec.grid()
    assert len(t) == 26 and (t[0].item(), t[-1].item()) == pytest.approx((0.999, 0.001))
    # The time of its loss curves: index 16, psi = alpha^2 / sigma^2 = 6.704.
    assert t[16].item() == pytest.approx(0.36028) and spec.levels()[16].item() ** -2 == pytest.approx(
        6.704, abs=1e-3
    )
    assert (spec.levels().diff() < 0).all()


def test_rates_rise_to_the_peak_and_fall_to_the_end():
    spec = MixtureTraining(steps=100, warmup=10, lr=1.0, lr_end=0.1)
    assert [spec.lr_at(step) for step in (1, 5, 10, 55, 100)] == pytest.approx([0.1, 0.5, 1.0, 0.55, 0.1])
    assert MixtureTraining(steps=2, warmup=0, lr=1.0, lr_end=0.0001).lr_at(2) == pytest.approx(0.0001)
    assert MixtureTraining(steps=4, warmup=4, lr=1.0).lr_at(4) == pytest.approx(1.0)


def test_recipes_by_name():
    fast, official, color = (mixture_recipe(name) for name in ("fast", "official", "official-color"))
    assert (fast.steps, fast.warmup, fast.lr, fast.betas, fast.std) == (
        3000,
        300,
        3e-3,
        (0.9, 0.99),
        0.1**0.5,
    )
    assert (official.steps, official.warmup, official.draws, official.lr) == (50_000, 5000, 100, 1e-3)
    assert (official.betas, official.momentum, official.std) == ((0.9, 0.999), 0.99, pytest.approx(1e-3))
    assert (color.clip, color.momentum, color.lr, color.lr_end) == (1e3, 0.1, 1e-4, 1e-8)
    assert color.warmup == 0.05 * color.steps
    quick = mixture_recipe("fast-color")
    assert (quick.steps, quick.warmup, quick.draws, quick.lr, quick.clip) == (3000, 300, 4, 1e-3, 10.0)


def test_other_steps_keep_the_share_of_the_warm_up():
    short = mixture_recipe("official", steps=1000, draws=4)
    assert (short.steps, short.warmup, short.draws, short.variance) == (1000, 100, 4, 1e-6)


@pytest.mark.parametrize(
    ("bad", "remedy"),
    [
        (lambda: mixture_recipe("slow"), "name one of these"),
        (lambda: MixtureTraining(steps=10, warmup=11), "a tenth"),
        (lambda: MixtureTraining(t_low=0.5, t_high=0.4), "S1's grid"),
        (lambda: MixtureTraining(t_high=1.5), "S1's grid"),
        (lambda: MixtureTraining(variance=0.0), "variance"),
        (lambda: MixtureTraining(draws=0), "draws"),
    ],
)
def test_recipes_that_cannot_be_are_refused(bad, remedy):
    with pytest.raises(InputError, match=remedy):
        bad()


def test_another_process_has_its_own_times():
    spec = MixtureTraining(process=VE(sigma_max=10), t_low=0.1, t_high=10.0, times=3)
    assert spec.levels().tolist() == pytest.approx([10.0, 5.05, 0.1])
