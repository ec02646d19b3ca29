"""The warehouse's documentation: one HTML page that needs no network and no server.

``profile`` measures a table and ``distribution`` what its columns hold · ``graph`` lays the models out ·
``charts`` draws small charts · ``text`` says numbers · ``page`` fills ``templates`` · ``build`` writes it.
"""

from clogs.datadocs.build import build
from clogs.datadocs.profile import TableProfile, profile

__all__ = ["TableProfile", "build", "profile"]
