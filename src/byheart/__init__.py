"""Does a diffusion model know its training data by heart?"""

__version__ = "0.1.0"
