"""Entries, a crontab that has them, and commands in the place of the system's."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from clogs.schedule.entries import Entry

CRONTAB = """\
#!{python}
# Keeps a crontab in a file beside itself, and says what Debian's says.
import sys
from pathlib import Path

here = Path(__file__).parent
table = here / "table"
with (here / "calls").open("a") as calls:
    print(*sys.argv[1:], file=calls)
if (here / "denied").exists():
    sys.exit("You (ann) are not allowed to use this program (crontab)\\nSee crontab(1) for more information")
if sys.argv[1:] == ["-l"]:
    if not table.exists():
        sys.exit("no crontab for ann")
    sys.stdout.buffer.write(table.read_bytes())
    if (here / "next").exists():
        (here / "next").rename(table)
elif sys.argv[1:] == ["-r"]:
    table.unlink()
elif sys.argv[1:] == ["-"]:
    given = sys.stdin.buffer.read()
    if not given.endswith(b"\\n"):
        sys.exit("new crontab file is missing newline before EOF, can't install.")
    table.write_bytes(given)
"""
SYSTEMCTL = """\
#!{python}
import sys
from pathlib import Path

here = Path(__file__).parent
with (here / "calls").open("a") as calls:
    print(*sys.argv[1:], file=calls)
if (here / "no-bus").exists():
    sys.exit("Failed to connect to bus: No medium found")
"""

HOURLY = Entry(
    name="hourly", expression="17 * * * *", words=("/usr/bin/clogs", "--config", "/a.toml", "pipeline")
)
IMPORT = Entry(
    name="import", expression="12 * * * *", words=("/usr/bin/clogs", "--quiet", "import", "/a/.claude")
)
REFRESH = Entry(
    name="refresh", expression="0 2 * * *", words=("/usr/bin/clogs", "pipeline", "--full-refresh")
)
BOTH = (HOURLY, REFRESH)
BLOCK = b"""\
# BEGIN clogs (managed by clogs schedule)
17 * * * * CLOGS_TRIGGER=cron /usr/bin/clogs --config /a.toml pipeline
0 2 * * * CLOGS_TRIGGER=cron /usr/bin/clogs pipeline --full-refresh
# END clogs
"""
OTHERS = b"MAILTO=ann\r\n# caf\xe9 100\\%\n\n*/5 * * * * date\n"


@dataclass
class Tools:
    """A folder of commands to be the PATH, with what they keep."""

    folder: Path

    @property
    def table(self) -> bytes | None:
        path = self.folder / "table"
        return path.read_bytes() if path.exists() else None

    @table.setter
    def table(self, content: bytes) -> None:
        (self.folder / "table").write_bytes(content)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text(encoding="utf-8").splitlines()

    def add(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(script.format(python=sys.executable), encoding="utf-8")
        path.chmod(0o755)
