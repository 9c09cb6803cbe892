"""What was found, as text, JSON and a page."""
