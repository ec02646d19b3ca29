"""Claude Code's own files: which they are, the lines in them, and their import into MongoDB."""
