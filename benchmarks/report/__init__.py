"""A fertility result for a terminal and as a page."""
