"""byheart data: one file a verb."""
