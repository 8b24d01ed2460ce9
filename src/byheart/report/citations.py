"""BibTeX of what a page rests on."""

from __future__ import annotations

from byheart._version import __version__

__all__ = ["AUTHORS", "BYHEART", "PAPERS"]

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
    "2508.17689": r"""@inproceedings{buchanan2025edge,
  title         = {On the Edge of Memorization in Diffusion Models},
  author        = {Buchanan, Sam and Pai, Druv and Ma, Yi and De Bortoli, Valentin},
  booktitle     = {Advances in Neural Information Processing Systems},
  year          = {2025},
  eprint        = {2508.17689},
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
    "2301.13188": r"""@inproceedings{carlini2023extracting,
  title         = {Extracting Training Data from Diffusion Models},
  author        = {Carlini, Nicholas and Hayes, Jamie and Nasr, Milad and Jagielski, Matthew and Sehwag, Vikash and Tram{\`e}r, Florian and Balle, Borja and Ippolito, Daphne and Wallace, Eric},
  booktitle     = {USENIX Security Symposium},
  year          = {2023},
  eprint        = {2301.13188},
  archiveprefix = {arXiv}
}""",
    "2104.08279": r"""@article{bates2023testing,
  title         = {Testing for Outliers with Conformal p-values},
  author        = {Bates, Stephen and Cand{\`e}s, Emmanuel and Lei, Lihua and Romano, Yaniv and Sesia, Matteo},
  journal       = {The Annals of Statistics},
  year          = {2023},
  eprint        = {2104.08279},
  archiveprefix = {arXiv}
}""",
    "rogan1978": r"""@article{rogan1978estimating,
  title   = {Estimating Prevalence from the Results of a Screening Test},
  author  = {Rogan, Walter J. and Gladen, Beth},
  journal = {American Journal of Epidemiology},
  volume  = {107},
  pages   = {71--76},
  year    = {1978}
}""",
    "chao1984": r"""@article{chao1984nonparametric,
  title   = {Nonparametric Estimation of the Number of Classes in a Population},
  author  = {Chao, Anne},
  journal = {Scandinavian Journal of Statistics},
  volume  = {11},
  pages   = {265--270},
  year    = {1984}
}""",
}
"""arXiv identifier, or author and year -> entry."""

AUTHORS = {
    "2508.17689": "Buchanan et al. 2025",
    "2501.15785": "Baptista et al. 2025",
    "2505.17638": "Bonnaire et al. 2025",
}
"""arXiv identifier of a paper whose statements are measured -> its authors and year, as a sentence cites the paper."""

BYHEART = f"""@software{{byheart,
  title   = {{byheart: does a diffusion model know its training data by heart?}},
  author  = {{{{The byheart authors}}}},
  version = {{{__version__}}},
  license = {{Apache-2.0}}
}}"""
