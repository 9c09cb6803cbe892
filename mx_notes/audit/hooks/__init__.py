"""Where MXNet is touched, and who is told."""
