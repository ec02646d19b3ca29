"""Status and doctor: how things stand, and whether a run would work."""
