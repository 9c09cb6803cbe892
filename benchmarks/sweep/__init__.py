"""What benchmarks/operators.py runs: cases, how one is judged, and what is written of it."""
