"""The computation that a backward pass differentiates."""
