"""The copy test: whether samples are copies of training images, whole, blended or in part.

copy_test(train)               learn from the training images                    -> CopyTest
heldout_null(test, heldout)    score original images                             -> Null
sensitivity_card(test, …)      measure which planted copies the test detects     -> rows
test(samples)                  score samples and find their matches              -> Matches
"""

from byheart.metrics.copying.card import CardRow, copy_level, sensitivity_card
from byheart.metrics.copying.clusters import Clusters, clusters, same_groups
from byheart.metrics.copying.copy_test import CopyTest, Matches, copy_test
from byheart.metrics.copying.innocents import INNOCENTS, innocents
from byheart.metrics.copying.null import Null, heldout_null, unlike
from byheart.metrics.copying.planted import PLANTED, plant
from byheart.metrics.copying.scores import CopyScores, CopyTables, copy_scores, copy_tables

__all__ = [
    "INNOCENTS",
    "PLANTED",
    "CardRow",
    "Clusters",
    "CopyScores",
    "CopyTables",
    "CopyTest",
    "Matches",
    "Null",
    "clusters",
    "copy_level",
    "copy_scores",
    "copy_tables",
    "copy_test",
    "heldout_null",
    "innocents",
    "plant",
    "same_groups",
    "sensitivity_card",
    "unlike",
]
