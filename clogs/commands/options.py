"""Annotations that several commands share."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from clogs.session import Session

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option that is on when it is given; it has no ``--no-`` form."""

Given = Annotated[Session, Parameter(parse=False)]
"""What the command line hands to every command."""
