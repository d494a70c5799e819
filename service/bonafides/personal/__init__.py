"""Values that belong to a person: sealed at rest, masked where shown."""
