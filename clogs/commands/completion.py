"""``clogs completion``."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import App, Parameter


def completion(
    shell: Literal["bash", "zsh", "fish"], /, *, app: Annotated[App, Parameter(parse=False)]
) -> None:
    """Print a script that lets your shell complete commands and options.

    Save it where your shell looks for completions, and again after each upgrade:

    - bash: ~/.local/share/bash-completion/completions/clogs
    - zsh: _cyclopts_clogs, in a folder of $fpath
    - fish: ~/.config/fish/completions/clogs.fish

    No program runs when you press Tab: the script is complete in itself.

    Args:
        shell: Your shell.
    """
    sys.stdout.write(app.generate_completion(prog_name="clogs", shell=shell))
