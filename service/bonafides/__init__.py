"""Checks enterprises' identity, keeps archives, rates them, and shows each caller its part."""
