"""A training set in shards: audited and deduplicated where it lies, a block of it in memory at a time."""
