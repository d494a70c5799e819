"""Breaks the service on purpose and looks at what is left; see docs/faults.md."""
