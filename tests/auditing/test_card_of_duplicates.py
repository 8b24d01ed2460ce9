"""The card of a training set in which every image occurs twice: its double is the right image, too."""

import numpy as np
import torch
from torch.nn.functional import interpolate

from byheart.auditing.copies import reference
from byheart.data.named import load
from byheart.data.spec import Data
from byheart.metrics.copying.planted import near_duplicates


def silent(*_):
    """Tell nobody."""


def test_a_double_of_the_right_image_is_the_right_one():
    data = load(Data(name="digits"))
    once = interpolate(data.to_pixels(data.images[:150]).float(), 32, mode="bilinear").clamp(0, 1)
    known = reference(
        torch.cat([once, near_duplicates(once, 3)]), None, seed=0, planted=20, queries=100, tell=silent
    )
    assert known.exhaustive
    rows = [row for row in known.card if row.named is not None and row.planted is not None]
    by_image = np.concatenate([(row.named == row.planted).numpy() for row in rows])
    by_cluster = np.concatenate([row.matched for row in rows])
    assert np.all(by_cluster >= by_image)
    assert by_cluster.sum() > by_image.sum()
    for row in rows:
        named, planted = (known.groups[known.kept[which]] for which in (row.named, row.planted))
        assert np.array_equal(row.matched, (named == planted).numpy())
