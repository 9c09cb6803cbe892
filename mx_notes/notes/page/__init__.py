"""Turn the record of a run into a page."""
