"""The ONNX file beside a model: written, checked against its network, read."""
