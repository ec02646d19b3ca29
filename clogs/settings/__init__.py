"""The settings: ``clogs.toml``, the environment and flags, checked before anything runs.

``model`` declares every key, ``values`` reads single values, ``sources`` finds where they are set, ``load``
puts them together, and ``faults`` says what is wrong.
"""

from clogs.settings.load import LoadedSettings, load_settings
from clogs.settings.model import Settings

__all__ = ["LoadedSettings", "Settings", "load_settings"]
