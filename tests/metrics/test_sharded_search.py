"""A reference in parts gives the table of the whole, bit for bit, wherever it is cut."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from byheart._checks import InputError
from byheart.metrics import sharded
from byheart.metrics.copying.shortlist import shortlist_table
from byheart.metrics.copying.spaces import spaces
from byheart.metrics.sharded import neighbors_of, shard_shortlist, shard_table
from byheart.numerics.neighbors import nearest
from byheart.numerics.topk import best, merged


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def cut(rows, at, first=0):
    """(ids, rows) pieces of a reference, cut at the given places."""
    ids = torch.arange(first, first + len(rows))
    return [(i, r) for i, r in zip(ids.tensor_split(at), rows.tensor_split(at), strict=True) if len(i)]


@given(
    cuts=st.lists(st.integers(0, 300), max_size=6),
    k=st.integers(1, 9),
    d=st.sampled_from([1, 7, 64]),
    copies=st.integers(0, 3),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_equal_to_one_search_bit_for_bit(cuts, k, d, copies, seed):
    reference, queries = normal(seed, 300, d), normal(seed + 1, 40, d)
    reference[200 : 200 + copies] = reference[5]  # exact ties across parts
    queries[:2] = reference[5]
    whole = nearest(queries, reference, k)
    parts = cut(reference, sorted(cuts))
    found = neighbors_of(merged(shard_table(queries, [part], k=k) for part in reversed(parts)))
    streamed = neighbors_of(shard_table(queries, parts, k=k))
    for table in (found, streamed):
        assert torch.equal(table.distance, whole.distance) and torch.equal(table.index, whole.index)
    assert (found.distance[:2, 0] == 0).all()


def test_bytes_are_searched_as_bytes():
    generator = torch.Generator().manual_seed(0)
    reference = torch.randint(256, (90, 1, 5, 5), dtype=torch.uint8, generator=generator)
    queries = torch.randint(256, (9, 1, 5, 5), dtype=torch.uint8, generator=generator)
    found, whole = (
        neighbors_of(shard_table(queries, cut(reference, [20, 21]), k=3)),
        nearest(queries, reference, 3),
    )
    assert torch.equal(found.distance, whole.distance) and torch.equal(found.index, whole.index)


def test_indices_are_the_ids_of_the_rows():
    found = shard_table(torch.zeros(1, 1), [(torch.tensor([7, 90]), torch.tensor([[2.0], [1.0]]))], k=2)
    assert found.index.tolist() == [[90, 7]]


def test_shortlists_of_parts_are_the_shortlist_of_the_whole(monkeypatch):
    monkeypatch.setattr(sharded, "_PIECE", 40)
    images = torch.rand(150, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    train = (images * 255).round().to(torch.uint8)
    floats = train.float() / 255
    queries = floats[::10].roll((1, 1), (2, 3)).flip(3)
    found = spaces(floats)
    value, index = shortlist_table(floats, found)(queries, k=8)
    for stored in (train, floats):
        table = shard_shortlist(queries, cut(stored, [3, 80]), found=found, k=8)
        assert table.largest and torch.equal(
            table.index[:, 0], torch.arange(0, 150, 10)
        )  # the shifted sources
        torch.testing.assert_close(table.value, value, rtol=0, atol=1e-6)
        assert torch.equal(table.index, index)


def test_bad_tables_are_refused():
    with pytest.raises(InputError, match="fewer than 3 rows"):
        neighbors_of(shard_table(torch.zeros(1, 1), cut(torch.zeros(2, 1), []), k=3))
    with pytest.raises(InputError, match="largest"):
        neighbors_of(best(torch.zeros(1, 1), torch.zeros(1, 1, dtype=torch.int64), 1, largest=True))
    with pytest.raises(InputError, match="both bytes"):
        shard_table(torch.zeros(1, 2), cut(torch.zeros(2, 2, dtype=torch.uint8), []))
    with pytest.raises(InputError, match="k = 0"):
        shard_table(torch.zeros(1, 2), cut(torch.zeros(2, 2), []), k=0)
