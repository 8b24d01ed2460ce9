"""Analysis: what the numbers of many runs say together.  Numbers in, numbers out; no networks, no files."""
