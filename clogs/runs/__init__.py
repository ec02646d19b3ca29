"""One run of clogs: its lock, its signals, its record, its log and its alerts."""
