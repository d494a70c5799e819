"""Records that platforms report: taking them in and folding them into roll-ups."""
