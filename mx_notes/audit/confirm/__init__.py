"""The note's three statements, held against a run."""
