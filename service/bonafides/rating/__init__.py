"""The scorecard: from facts to a level that anyone can recompute."""
