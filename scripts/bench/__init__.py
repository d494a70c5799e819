"""Measures the service against what it could be at best; see docs/benchmarks.md."""
