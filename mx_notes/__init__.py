"""MXNet/Gluon training made inspectable."""
