"""Submitting an identity and checking it against evidence."""
