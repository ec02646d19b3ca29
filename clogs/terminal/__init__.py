"""The terminal: streams, progress, log lines, and numbers and texts as people read them."""
