"""Analysis of the numbers of many runs.  The functions take and return numbers; they know no networks and no files."""
