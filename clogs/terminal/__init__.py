"""The terminal: what is written where, progress, and numbers and texts as people read them."""
