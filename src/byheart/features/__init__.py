"""Features: what two sets of images are compared in.  Encoders by name, path or object; nothing is downloaded."""

from byheart.features.encoders import SPECS, Encoder, encoder
from byheart.features.encoding import CacheWarning, encode
from byheart.features.pixels import downsampled, flatten, pixel_features, pixel_name
from byheart.features.preprocessing import Preprocessing

__all__ = [
    "SPECS",
    "CacheWarning",
    "Encoder",
    "Preprocessing",
    "downsampled",
    "encode",
    "encoder",
    "flatten",
    "pixel_features",
    "pixel_name",
]
