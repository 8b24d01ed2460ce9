"""The two-stage search returns what brute force in float64 returns, whatever the data are like."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from byheart._checks import InputError
from byheart.numerics import neighbors, products
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.random import generator


def brute_force(queries, reference, k, *, exclude_self=False):
    """All differences, in float64."""
    x, r = queries.flatten(1).double(), reference.flatten(1).double()
    distance = (x[:, None] - r).square().sum(2).sqrt()
    if exclude_self:
        distance.fill_diagonal_(torch.inf)
    best, index = distance.sort(dim=1, stable=True)
    return Neighbors(best[:, :k], index[:, :k])


def assert_exact(queries, reference, k=2, *, ties=False, **options):
    """Distances equal to float64 rounding; where none tie, the same rows too."""
    found = nearest(queries, reference, k, **options)
    wanted = brute_force(queries, reference, k, exclude_self=options.get("exclude_self", False))
    assert found.distance.dtype == torch.float64 and found.index.dtype == torch.int64
    torch.testing.assert_close(found.distance, wanted.distance, rtol=1e-12, atol=0)
    if not ties:
        assert torch.equal(found.index, wanted.index)


def normal(seed, *shape, dtype=torch.float32):
    return torch.randn(shape, generator=generator(seed), dtype=dtype)


@pytest.fixture(params=["blas", "onednn"])
def backend(request, monkeypatch):
    monkeypatch.setattr(products, "_chosen", request.param)


@given(
    n=st.integers(1, 40),
    q=st.integers(0, 9),
    d=st.integers(1, 6),
    k=st.integers(1, 5),
    levels=st.integers(1, 9),
    chunk=st.integers(1, 50),
    offset=st.sampled_from([0.0, 5.0, -1e4]),
    exclude_self=st.booleans(),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=150, deadline=None)
def test_equal_to_brute_force_on_coarse_values(n, q, d, k, levels, chunk, offset, exclude_self, seed):
    # Few levels make many exact ties and copies; the offset makes norms large against distances.
    g = generator(seed)
    reference = torch.randint(levels, (n, d), generator=g).float() + offset
    queries = reference[:q] if exclude_self else torch.randint(levels, (q, d), generator=g).float() + offset
    k = min(k, n - exclude_self)
    if k:
        assert_exact(queries, reference, k, ties=True, chunk=chunk, exclude_self=exclude_self)


@pytest.mark.parametrize("k", [1, 2, 12])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.float32, torch.float64])
def test_equal_to_brute_force_for_every_type(backend, dtype, k):
    def draw(seed, rows):
        return (normal(seed, rows, 1, 5, 6) * 40 + 128).clamp(0, 255).to(dtype)

    assert_exact(draw(0, 50), draw(1, 2000), k, ties=True, chunk=512)


def test_types_may_differ():
    queries, reference = normal(0, 9, 12).double(), normal(1, 70, 12)
    assert_exact(queries, reference)
    assert_exact(queries, (reference * 20 + 100).to(torch.uint8))


@pytest.mark.parametrize("chunk", [1, 64, 100, 1000, 4096, 10**6])
def test_chunks_and_blocks_are_invisible(backend, chunk):
    assert_exact(normal(0, 30, 8), normal(1, 1500, 8), 3, chunk=chunk)


def test_more_queries_than_a_tile(monkeypatch):
    monkeypatch.setattr(neighbors, "_TILE", 7)
    monkeypatch.setattr(neighbors, "_QUERIES", 20)
    assert_exact(normal(0, 45, 8), normal(1, 300, 8))
    assert_exact(normal(1, 300, 8)[:45], normal(1, 300, 8), exclude_self=True, chunk=16)


def test_copies_are_at_exactly_zero(backend):
    # Far from the origin the expanded square of float32 would leave about 0.2 here.
    reference = normal(0, 500, 3, 32, 32) + 5
    found = nearest(reference[100:140], reference)
    assert (found.distance[:, 0] == 0).all()
    assert torch.equal(found.index[:, 0], torch.arange(100, 140))
    assert (found.ratio == 0).all()


def test_leave_one_out_finds_the_copy_but_not_itself():
    points = normal(0, 90, 10)
    points[17] = points[3]
    found = nearest(points, points, k=1, exclude_self=True)
    assert found.index[3, 0] == 17 and found.index[17, 0] == 3
    assert (found.index[:, 0] != torch.arange(90)).all()
    assert ((found.distance[:, 0] == 0).nonzero()[:, 0] == torch.tensor([3, 17])).all()


def test_ties_keep_the_order_of_the_reference():
    reference = torch.tensor([[3.0], [1.0], [-1.0], [1.0]])
    assert nearest(torch.zeros(1, 1), reference, k=3).index.tolist() == [[1, 2, 3]]


def rungs_of(monkeypatch):
    """The (precision, queries) of every pass of a search."""
    passes, candidates = [], neighbors._candidates

    def watched(x, own, reference, width, precision):
        passes.append((precision, len(x)))
        return candidates(x, own, reference, width, precision)

    monkeypatch.setattr(neighbors, "_candidates", watched)
    return passes


@pytest.mark.parametrize("offset", [0.0, 1e6])  # far from the origin: centered before it is rounded
def test_ordinary_data_need_one_pass(monkeypatch, offset):
    passes = rungs_of(monkeypatch)
    assert_exact(normal(0, 200, 20).double() + offset, normal(1, 3000, 20).double() + offset)
    assert passes[0] == (torch.float32, 200)
    assert sum(queries for _, queries in passes[1:]) <= 4


def near_ties(count, dimension, spread):
    """Rows at nearly one distance from the origin, closer together than float32 products can tell."""
    rows = normal(5, count, dimension, dtype=torch.float64)
    radius = torch.linspace(1 + spread, 1, count, dtype=torch.float64)
    return rows / rows.norm(dim=1, keepdim=True) * radius[:, None]


def test_near_ties_within_a_handful_take_a_wider_pass(monkeypatch):
    passes = rungs_of(monkeypatch)
    reference = torch.cat([near_ties(20, 300, 1e-9), 3 * near_ties(400, 300, 0.0)])
    assert_exact(torch.zeros(1, 300, dtype=torch.float64), reference)
    assert passes == [(torch.float32, 1), (torch.float32, 1)]


def test_near_ties_in_crowds_are_settled_in_float64(monkeypatch):
    passes = rungs_of(monkeypatch)
    assert_exact(torch.zeros(1, 300, dtype=torch.float64), near_ties(2000, 300, 1e-9))
    assert passes[-1] == (torch.float64, 1)


def test_products_coarser_than_float32_are_noticed(monkeypatch):
    def coarse(x, w):
        # Rounded down, all scores near the last candidate's look safely apart from it.
        return (x @ w.T / 2).floor() * 2 if x.dtype == torch.float32 else x @ w.T

    monkeypatch.setattr(neighbors, "matmul_t", coarse)
    passes = rungs_of(monkeypatch)
    assert_exact(normal(0, 40, 64), normal(1, 1000, 64))
    assert passes[-1][0] == torch.float64


@pytest.mark.parametrize(("count", "width"), [(5, 9), (640, 2), (1000, 3), (4096, 15), (4096, 40)])
def test_block_maxima_miss_nothing(count, width):
    scores = torch.stack([torch.randperm(count, generator=generator(row)) for row in range(50)]).float()
    rows, best, where = neighbors._top(scores, width, above=torch.full((50,), -torch.inf))
    assert torch.equal(rows, torch.arange(50))
    assert torch.equal(best, scores.topk(min(width, count)).values)
    assert torch.equal(scores.gather(1, where), best)


def test_rows_with_nothing_better_are_passed_over():
    scores = torch.stack([torch.randperm(1024, generator=generator(row)) for row in range(9)]).float()
    above = torch.tensor([0.0, 1022.0, 1023.0] * 3)  # the largest of every row is 1023
    rows, best, where = neighbors._top(scores, 2, above)
    assert rows.tolist() == [0, 1, 3, 4, 6, 7]
    assert (best == torch.tensor([1023.0, 1022.0])).all()
    assert torch.equal(scores[rows].gather(1, where), best)


@pytest.mark.parametrize("scale", [1e-30, 1e-22, 1e-20, 1e-19, 1e25])
def test_scales_beyond_the_range_of_float32_squares(scale):
    assert_exact(normal(0, 20, 8).double() * scale, normal(1, 900, 8).double() * scale)


def test_an_outlier_does_not_blind_the_search():
    reference = normal(1, 800, 16)
    reference[7] *= 1e6
    assert_exact(normal(0, 20, 16), reference)


def test_ratio():
    distance = torch.tensor([[1.0, 4.0], [0.0, 2.0], [0.0, 0.0], [3.0, 3.0]], dtype=torch.float64)
    ratio = Neighbors(distance, torch.zeros(4, 2, dtype=torch.int64)).ratio
    assert ratio.tolist() == [0.25, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "pair", [(1.0, torch.nan), (torch.nan, 1.0), (torch.nan, torch.nan), (torch.inf, torch.inf)]
)
def test_a_distance_that_is_no_number_has_no_ratio(pair):
    ratio = Neighbors(torch.tensor([pair], dtype=torch.float64), torch.zeros(1, 2, dtype=torch.int64)).ratio
    assert bool(ratio.isnan().all())


def test_ratio_needs_two_neighbors():
    with pytest.raises(InputError, match="k >= 2"):
        _ = nearest(normal(0, 3, 2), normal(1, 9, 2), k=1).ratio


@pytest.mark.parametrize(
    ("queries", "reference", "options", "message"),
    [
        (torch.zeros(3, 2), torch.zeros(5, 3), {}, "same shape"),
        (torch.zeros(3, 1, 4), torch.zeros(5, 4), {}, "same shape"),
        (torch.zeros(3), torch.zeros(5), {}, "same shape"),
        (torch.zeros(3, 2), torch.zeros(1, 2), {}, "smaller k"),
        (torch.zeros(3, 2), torch.zeros(5, 2), {"k": 0}, "smaller k"),
        (torch.zeros(2, 2), torch.zeros(2, 2), {"exclude_self": True}, "smaller k"),
        (torch.zeros(9, 2), torch.zeros(5, 2), {"exclude_self": True}, "first rows"),
        (torch.full((3, 2), torch.nan), torch.zeros(5, 2), {}, "rows of queries"),
        (torch.zeros(3, 2), torch.tensor([[0.0, 0.0], [1.0, torch.inf]]), {}, "rows of reference"),
        (
            torch.zeros(3, 2),
            torch.tensor([[torch.nan, 1.0]] + [[0.0, 0.0]] * 200),
            {"chunk": 100},
            "rows of reference",
        ),
    ],
)
def test_bad_input_is_refused(queries, reference, options, message):
    with pytest.raises(InputError, match=message):
        nearest(queries, reference, **options)


@pytest.mark.parametrize("count", [1, 5])
def test_a_tile_in_which_no_query_improves_is_passed(count):
    """Queries that are the first rows find themselves in the first chunk; later chunks hold nothing better for any of them."""
    x = (
        torch.randn(20_000, 16, generator=torch.Generator().manual_seed(0))
        * torch.linspace(0.01, 9, 20_000)[:, None]
    )
    found = nearest(x[:count], x, k=2)
    assert torch.equal(found.index[:, 0], torch.arange(count)) and bool((found.distance[:, 0] == 0).all())
