"""Evaluation of a denoiser on data by a plan, with one flat record as the result.  Every product measures through this room."""
