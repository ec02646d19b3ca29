"""The settings: ``clogs.toml``, the environment and flags, checked before anything runs.

``model`` declares every key, ``sources`` finds what is given, ``values`` reads and checks single values,
``load`` puts them together, ``faults`` words what is wrong, and ``show`` hides secrets.
"""

from clogs.settings.load import Loaded, load_settings
from clogs.settings.model import (
    AlertingSettings,
    DataSettings,
    DuckDBSettings,
    LoggingSettings,
    MongoSettings,
    PipelineSettings,
    QualitySettings,
    Settings,
    TransformSettings,
)
from clogs.settings.show import VisibleSetting, visible_settings

__all__ = [
    "AlertingSettings",
    "DataSettings",
    "DuckDBSettings",
    "Loaded",
    "LoggingSettings",
    "MongoSettings",
    "PipelineSettings",
    "QualitySettings",
    "Settings",
    "TransformSettings",
    "VisibleSetting",
    "load_settings",
    "visible_settings",
]
