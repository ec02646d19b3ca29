"""Status and doctor: one reader of how things stand, and what follows for the next run."""
