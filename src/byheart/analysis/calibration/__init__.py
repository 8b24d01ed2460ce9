"""Calibration: from scores to statements with known error rates.  Held-out images are the null; numbers in, numbers out.

ranks         p-values, the rank above which a sample is flagged, its false-positive rate
tails         leave-one-out scores give components one scale
global_test   are there copies at all?
share         how many?
rates         how many held-out images does a small false positive rate take?
sources       of how many training images?
"""
