"""Claude Code's own files: finding them, reading them, and importing them into MongoDB."""
