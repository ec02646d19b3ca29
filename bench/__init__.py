"""How fast and how large: run by hand, never by the tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # whose servers and documents it uses
