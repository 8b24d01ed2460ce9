"""Calibration: from scores to sentences that hold.  Held-out images are the null; numbers in, numbers out.

ranks         p-values, the rank from which on a sample is accused, how wrong that can be
tails         leave-one-out scores give components one scale
global_test   are there copies at all?
share         how many?
rates         how many held-out images does a small false positive rate take?
sources       of how many training images?
"""
