"""Report: records and tables in, pages and figures out.  It recomputes nothing; its caller hands it everything."""
