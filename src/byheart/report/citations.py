"""BibTeX of what a page rests on."""

from __future__ import annotations

from byheart import __version__

__all__ = ["BYHEART", "PAPERS"]

PAPERS = {
    "2505.17638": r"""@inproceedings{bonnaire2025diffusion,
  title         = {Why Diffusion Models Don't Memorize: The Role of Implicit Dynamical Regularization in Training},
  author        = {Bonnaire, Tony and Urfin, Rapha{\"e}l and Biroli, Giulio and M{\'e}zard, Marc},
  booktitle     = {Advances in Neural Information Processing Systems},
  year          = {2025},
  eprint        = {2505.17638},
  archiveprefix = {arXiv}
}""",
    "2501.15785": r"""@article{baptista2025memorization,
  title         = {Memorization and Regularization in Generative Diffusion Models},
  author        = {Baptista, Ricardo and Dasgupta, Agnimitra and Kovachki, Nikola B. and Oberai, Assad and Stuart, Andrew M.},
  year          = {2025},
  eprint        = {2501.15785},
  archiveprefix = {arXiv}
}""",
    "2402.18491": r"""@article{biroli2024dynamical,
  title         = {Dynamical Regimes of Diffusion Models},
  author        = {Biroli, Giulio and Bonnaire, Tony and de Bortoli, Valentin and M{\'e}zard, Marc},
  journal       = {Nature Communications},
  year          = {2024},
  eprint        = {2402.18491},
  archiveprefix = {arXiv}
}""",
}
"""arXiv identifier -> entry."""

BYHEART = f"""@software{{byheart,
  title   = {{byheart: does a diffusion model know its training data by heart?}},
  author  = {{{{The byheart authors}}}},
  version = {{{__version__}}},
  license = {{Apache-2.0}}
}}"""
