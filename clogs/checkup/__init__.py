"""Whether all that a run needs is in order, each fault with its remedy.

``look`` looks at everything · ``places`` at folders, disk and warehouse · ``schedule`` at the run that is on,
the last and the next one · ``source`` at the collection · ``findings`` is what they tell.
"""

from clogs.checkup.findings import Finding, failed, open_to_others
from clogs.checkup.look import checkup, versions
from clogs.checkup.places import LEAST_FREE, daily_bytes, disk

__all__ = ["LEAST_FREE", "Finding", "checkup", "daily_bytes", "disk", "failed", "open_to_others", "versions"]
