"""Features: what two sets of images are compared in."""

from byheart.features.pixels import downsampled, flatten, pixel_features, pixel_name

__all__ = ["downsampled", "flatten", "pixel_features", "pixel_name"]
