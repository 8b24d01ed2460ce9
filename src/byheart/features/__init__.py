"""Features, in which sets of images are compared.  Encoders by name, path or object; nothing is downloaded."""

from typing import TYPE_CHECKING

from byheart._version import lazy

if TYPE_CHECKING:
    from byheart.features.encoders import SPECS as SPECS
    from byheart.features.encoders import Encoder as Encoder
    from byheart.features.encoders import encoder as encoder
    from byheart.features.encoding import CacheWarning as CacheWarning
    from byheart.features.encoding import encode as encode
    from byheart.features.pixels import downsampled as downsampled
    from byheart.features.pixels import flatten as flatten
    from byheart.features.pixels import pixel_features as pixel_features
    from byheart.features.pixels import pixel_name as pixel_name
    from byheart.features.preprocessing import Preprocessing as Preprocessing

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
