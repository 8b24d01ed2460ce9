"""The audit: does a model copy its training data?"""
