"""The gRPC face: one pipeline around every method."""
