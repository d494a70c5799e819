"""Attacks the service in ways that are known, and counts what they get; see docs/limits.md."""
