"""What the gold tables say."""
