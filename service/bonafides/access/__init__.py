"""Who calls, what the caller may ask for, and what of it the caller may see."""
