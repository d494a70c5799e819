"""Checks enterprises' identity, keeps their archives, rates them, and shows each caller its part."""
