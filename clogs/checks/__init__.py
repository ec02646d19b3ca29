"""What the data must be like: suites of checks by layer, as data, and how checks ended.

Nothing is imported here: the settings need the names of `clogs.checks.overrides` before Polars is there.
"""
