"""The pipeline: the steps under one lock, and what the settings make of them."""
