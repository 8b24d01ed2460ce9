"""Same seed, same numbers; another seed or name, unrelated ones; and no sample sees its batch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from byheart._checks import InputError
from byheart.random import SeededNoise, derive, generator


def test_a_generator_repeats_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first, second = (torch.randn(20, generator=generator(7)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, torch.randn(20, generator=generator(8)))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_seeds_out_of_range_are_refused(seed):
    with pytest.raises(InputError, match=r"2\^63"):
        generator(seed)


def test_derived_seeds_are_the_same_forever():
    # Recorded once: run folders made earlier rest on these.
    assert derive(0) == 7520536977032167579
    assert derive(0, "batches", 3) == 2631538339270652704


paths = st.lists(st.one_of(st.integers(0, 9), st.text("ab1", max_size=3)), max_size=3)


@settings(deadline=None)  # a busy machine is no failure
@given(st.tuples(st.integers(0, 3), paths), st.tuples(st.integers(0, 3), paths))
def test_derived_seeds_differ_where_anything_differs(one, other):
    first, second = derive(one[0], *one[1]), derive(other[0], *other[1])
    assert 0 <= first < 2**63
    same = one[0] == other[0] and list(map(repr, one[1])) == list(map(repr, other[1]))
    assert (first == second) == same


def test_noise_of_a_sample_does_not_depend_on_the_batch():
    together, alone = SeededNoise(range(5)), [SeededNoise([seed]) for seed in range(5)]
    for shape in [(1, 8, 8), (3,), (), (17,)]:  # torch draws few and many numbers by different means
        assert torch.equal(together(shape), torch.cat([noise(shape) for noise in alone]))


def test_noise_goes_on_and_begins_again():
    noise = SeededNoise([3, 4])
    first, second = noise((8,)), noise((8,))
    assert first.shape == (2, 8) and first.dtype == torch.float32
    assert not torch.equal(first, second)
    again = SeededNoise([3, 4])
    assert torch.equal(again((8,)), first) and torch.equal(again((8,)), second)


def test_equal_seeds_give_equal_noise_and_different_seeds_unrelated_noise():
    noise = SeededNoise([1, 1, 2])((4096,))
    assert torch.equal(noise[0], noise[1])
    # 4,096 independent products of standard normals: mean 0 ± 1/64, here within 4 standard errors.
    assert abs(float((noise[0] * noise[2]).mean())) < 4 / 64


def test_noise_is_standard_normal():
    noise = SeededNoise(range(1000))((64,), dtype=torch.float64)
    assert noise.dtype == torch.float64
    count = noise.numel()
    assert abs(float(noise.mean())) < 4 / count**0.5
    assert abs(float(noise.square().mean()) - 1) < 4 * (2 / count) ** 0.5
    # Neighboring seeds are unrelated in their first number too.
    first = noise[:, 0]
    assert abs(float((first[1:] * first[:-1]).mean())) < 4 / 999**0.5
