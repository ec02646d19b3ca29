"""What the data must be like: suites of checks by layer, as data, and how checks ended.

Nothing is imported here: the settings need `clogs.checks.overrides` without the time that Polars takes.
"""
