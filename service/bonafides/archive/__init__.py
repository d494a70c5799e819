"""Facts, metrics and the archive that is assembled of them."""
