"""Networks on their way to another framework: MXNet's graph and parameters, as ONNX, held against MXNet."""
