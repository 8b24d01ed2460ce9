"""Local closed-form scores: formulas for a network that sees only a neighborhood of each pixel.

    score                  what a pixel sees                              the softmax is over
    ------------------------------------------------------------------------------------------------------
    LocalScore             k × k around the pixel                         training images
    PatchPosterior         all k × k patches that contain the pixel       training images, for each patch
    EquivariantLocal       k × k around the pixel, wrapped                patches of training images, at all positions
    BoundaryBrokenLocal    k × k around the pixel, padded                 patches that overlap the border alike
    PCALocal               the pixels that the covariance selects         training images

All scores are exact: the softmax runs over all training images, however few are in memory at a time.

In float32 the scores err by about 1e-5 at noised training images.  Logits err by about 1e-7 r²/σ², with r the distance from a
window to the images' windows: if two images tie at a distance of many σ, a pixel errs by up to a quarter of that share of the
difference between the two images.

Each score takes train: (n, c, h, w), floating point, which must not change in place; window: the side k of the window, or a
function of σ that returns k, such as the published `CIFAR10_UNET`; precision: of the arithmetic, "float64" or "float32";
chunk: training images at a time, None for as many as keep about a million numbers, so that memory never grows with n.
"""

from byheart.denoisers.local.covariance import PCALocal
from byheart.denoisers.local.dictionary import BoundaryBrokenLocal, EquivariantLocal
from byheart.denoisers.local.patches import PatchPosterior
from byheart.denoisers.local.scales import (
    CELEBA_UNET,
    CIFAR10_PATCHES,
    CIFAR10_RESNET,
    CIFAR10_UNET,
    MNIST_UNET,
    Scale,
)
from byheart.denoisers.local.statistics import PixelPosterior
from byheart.denoisers.local.window import LocalScore

__all__ = [
    "CELEBA_UNET",
    "CIFAR10_PATCHES",
    "CIFAR10_RESNET",
    "CIFAR10_UNET",
    "MNIST_UNET",
    "BoundaryBrokenLocal",
    "EquivariantLocal",
    "LocalScore",
    "PCALocal",
    "PixelPosterior",
    "PatchPosterior",
    "Scale",
]
