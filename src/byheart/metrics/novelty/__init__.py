"""Novelty: how many different images the samples are, and whether they explain held-out images as well as training images."""

from byheart.metrics.novelty.likelihood import FeatureLikelihood, feature_likelihood
from byheart.metrics.novelty.vendi import vendi_score

__all__ = ["FeatureLikelihood", "feature_likelihood", "vendi_score"]
