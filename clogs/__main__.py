"""``python -m clogs`` is the ``clogs`` command."""

from clogs.cli import main

if __name__ == "__main__":
    main()
