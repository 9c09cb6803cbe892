"""Execute the note: each statement is a claim with an experiment, which measures evidence and computes a verdict."""
