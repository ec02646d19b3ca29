"""The page of ``clogs validate --build-docs``: what every table and column of the warehouse holds."""
