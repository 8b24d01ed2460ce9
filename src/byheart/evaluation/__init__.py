"""Evaluation: a denoiser, data and a plan in; one flat record out.  Every product measures through it."""
