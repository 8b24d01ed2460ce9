import math

import pytest
import torch

from byheart.numerics.softmax import SPARSE_WEIGHT, TINY_WEIGHT, product, start_leading, start_running

B, D, COLUMNS = 5, 7, 40


def chunked(logits, values, size):
    running = start_running(torch.zeros(len(logits), values.shape[1], dtype=values.dtype))
    for start in range(0, logits.shape[1], size):
        running = running.add(logits[:, start : start + size].clone(), values[start : start + size])
    return running


@pytest.mark.parametrize("size", [1, 7, 40])
@pytest.mark.parametrize("scale", [0.1, 3.0, 300.0])
@pytest.mark.parametrize("differentiated", [True, False], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_chunks_give_the_softmax(size, scale, differentiated, dtype):
    draws = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(B, COLUMNS, generator=draws, dtype=dtype)
    values = torch.randn(COLUMNS, D, generator=draws, dtype=dtype)
    found = chunked(logits.requires_grad_(differentiated), values, size)
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype == torch.float32 else {"rtol": 1e-12, "atol": 1e-13}
    torch.testing.assert_close(found.mean, logits.softmax(1) @ values, **close)
    torch.testing.assert_close(found.log_sum, logits.logsumexp(1, keepdim=True), **close)


@pytest.mark.parametrize("dtype", list(SPARSE_WEIGHT))
def test_what_is_left_out_is_below_rounding(dtype):
    assert 1e6 * SPARSE_WEIGHT[dtype] < torch.finfo(dtype).eps
    logits = torch.full((1, COLUMNS), 1.1 * math.log(SPARSE_WEIGHT[dtype]), dtype=dtype)
    logits[0, 3] = 0
    values = torch.randn(COLUMNS, D, dtype=dtype)
    with torch.no_grad():
        assert torch.equal(chunked(logits, values, COLUMNS).moment, values[3:4])


def test_weights_that_round_to_denormal_numbers_are_zero():
    logits = torch.tensor([[0.0, -79.0, -81.0, -90.0, -1e4]])
    values = torch.eye(5)
    moment = chunked(logits.requires_grad_(), values, 5).moment
    assert moment[0, 1] > TINY_WEIGHT and not moment[0, 2:].any()


def test_gradients_pass():
    values = torch.randn(COLUMNS, D, dtype=torch.float64)
    logits = torch.randn(B, COLUMNS, dtype=torch.float64, requires_grad=True)

    def mean(logits):
        running = start_running(torch.zeros(B, D, dtype=torch.float64))
        return running.add(logits[:, :9], values[:9]).add(logits[:, 9:], values[9:]).mean

    assert torch.autograd.gradcheck(mean, (logits,))


@pytest.mark.parametrize("size", [1, 7, 40])
def test_the_leading_logits_are_the_largest(size):
    logits = torch.randn(B, COLUMNS)
    leading = start_leading(logits)
    for start in range(0, COLUMNS, size):
        leading = leading.add(logits[:, start : start + size], start, 6)
    exact = logits.topk(6)
    assert torch.equal(leading.logits, exact.values) and torch.equal(leading.columns, exact.indices)


def test_a_product_with_gradient_is_the_plain_one():
    x, w = torch.randn(3, D, requires_grad=True), torch.randn(4, D)
    bias = torch.randn(4)
    torch.testing.assert_close(product(x, w, bias), x @ w.T + bias)
    assert product(x, w).requires_grad


@pytest.mark.parametrize("differentiated", [True, False], ids=["dense", "sparse"])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("dtype", list(SPARSE_WEIGHT))
def test_a_bad_row_has_no_part_in_the_choice_of_columns(differentiated, bad, dtype):
    draws = torch.Generator().manual_seed(0)
    logits = 300 * torch.randn(B, COLUMNS, generator=draws, dtype=dtype)  # one column a row
    values = torch.randn(COLUMNS, D, generator=draws, dtype=dtype)
    logits[2] = logits[0]
    spoiled = logits.clone()
    spoiled[2, 5:] = bad
    sound = [0, 1, 3, 4]
    for size in (COLUMNS, 7):
        expected = chunked(logits.clone().requires_grad_(differentiated), values, size)
        found = chunked(spoiled.clone().requires_grad_(differentiated), values, size)
        assert torch.equal(found.mean[sound], expected.mean[sound])
        assert torch.equal(found.log_sum[sound], expected.log_sum[sound])
        # −∞ is the logit of a point that weighs nothing; a row of nothing else has no mean.
        lost = found.mean[2] if bad != -torch.inf else chunked(spoiled * 0 + bad, values, size).mean[2]
        assert bool(lost.isnan().all())


def test_a_batch_of_bad_rows_only():
    running = chunked(torch.full((B, COLUMNS), torch.nan), torch.ones(COLUMNS, D), 7)
    assert bool(running.mean.isnan().all() and running.log_sum.isnan().all())
