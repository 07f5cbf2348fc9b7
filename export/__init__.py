"""A trained predictor written for ONNX Runtime, and the runtime that reads it back."""
