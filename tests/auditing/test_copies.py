"""What an audit measures: an image that occurs often in the training set, in near copies that hide it."""

import pytest
import torch
from torch.nn.functional import pad

from byheart.auditing.copies import compared, reference
from byheart.auditing.sets import silent
from byheart.data import idx, named
from byheart.metrics.copying.copy_test import copy_test
from byheart.metrics.copying.null import heldout_null
from byheart.metrics.copying.planted import plant
from byheart.random import generator

N, M, NEAR, ROW = 3000, 120, 40, 17


@pytest.fixture(scope="module")
def sets():
    """3,000 pictures of clothes with forty near copies of one of them, and 120 others."""
    values = idx.read_mnist(named.FASHION_MNIST).values[: N + M].copy()
    images = pad(torch.from_numpy(values).view(-1, 1, 28, 28) / 255, (2, 2, 2, 2))
    draws = generator(1)
    gains = 0.8 + 0.4 * torch.rand(NEAR, 1, 1, 1, generator=draws)
    again = (images[ROW] * gains + 0.05 * torch.randn(NEAR, 1, 32, 32, generator=draws)).clamp(0, 1)
    return torch.cat([images[:N], (again * 255).round() / 255]), images[N:]


@pytest.mark.slow
@pytest.mark.skipif(idx.find_idx(named.FASHION_MNIST) is None, reason="needs Debian's dataset-fashion-mnist")
def test_copies_of_an_image_that_occurs_forty_times_are_accused(sets):
    train, heldout = sets
    kinds = ("noise-0.05", "shift-1", "blur-0.8", "jpeg-50", "crop-90")
    samples = torch.cat([plant(kind, train, [ROW], seed=3).images for kind in kinds])
    plain = copy_test(train, queries=300)
    hidden = heldout_null(plain, heldout).whole(plain(samples, whole_only=True).whole)
    assert hidden.max() > 0.1 and (hidden > 1 / (M + 1)).sum() >= 3

    known = reference(train, heldout, seed=0, planted=8, queries=300, tell=silent)
    crowd = [ROW, *range(N, N + NEAR)]
    assert known.groups[crowd].unique().tolist() == [ROW]
    assert known.groups.unique().numel() == len(known.kept) == N
    assert not known.exhaustive and known.duplicated == pytest.approx((NEAR + 1) / (N + NEAR), abs=0.01)
    found = compared(samples, known, silent)
    assert (found.whole == 1 / (M + 1)).all() and (found.source == ROW).all()
