"""Shows by counts that the service keeps what docs/trust.md promises."""
