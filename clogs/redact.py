"""Keep secrets out of what people see: addresses with ``***`` in place of passwords and tokens."""

from __future__ import annotations

import re

HIDDEN = "***"

_HOST = r"(?:[\w.%-]+|\[[\w:.%]+\])(?::\d+)?"
_MONGO_URI = (
    r"(?s)(?P<scheme>mongodb(?:\+srv)?://)"
    # A password may hold an unescaped @ or /, too: it ends at the last @.
    r"(?:(?P<user>[^:@/?]*)(?P<password>:[^?]*)?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)"
    r"(?P<options>(?:[/?][^@]*)?)"
)
_SENSITIVE = r"(?:passw|pwd|properties|token|secret|signature|sig(?==)|\bkey\b|key(?==))"
_CREDENTIAL_OPTION = rf"(?i)([?&;][\w.-]*{_SENSITIVE}[\w.-]*=)[^&;]*"
_JAVA_OPTION = rf"(?i)(-D[\w.-]*{_SENSITIVE}[\w.-]*=)(?:\"[^\"]*\"|'[^']*'|\S*)"
_LOGIN = r"(?:(?<=://)|(?<=:thin:))\S+@"  # as above, a password ends at the last @


def hide_uri(uri: str) -> str:
    """Hide the password, and any secret option, of a MongoDB connection string.

    A string that is none is hidden whole: its password may be anywhere in it.

    Examples:
        >>> hide_uri("mongodb://ann:s3cret@db.example.com/?authSource=admin")
        'mongodb://ann:***@db.example.com/?authSource=admin'
    """
    parts = re.fullmatch(_MONGO_URI, uri)
    if parts is None:
        return HIDDEN
    login = ""
    if parts["user"] is not None:
        login = f"{parts['user']}:{HIDDEN}@" if parts["password"] else f"{parts['user']}@"
    options = re.sub(_CREDENTIAL_OPTION, rf"\1{HIDDEN}", parts["options"])
    return f"{parts['scheme']}{login}{parts['hosts']}{options}"


def hide_url(url: str) -> str:
    """Hide everything in a web address but the host: a webhook's path is its password.

    Examples:
        >>> hide_url("https://hooks.example.com/services/T0/B0/s3cret")
        'https://hooks.example.com/***'
    """
    host = re.match(rf"https?://{_HOST}(?=[/?#]|$)", url)
    return f"{host[0]}/{HIDDEN}" if host and "@" not in url else HIDDEN


def hide_addresses(text: str) -> str:
    """Hide whatever follows ``://`` in text that should hold no address but might."""
    return re.sub(r"(?s)://.*", f"://{HIDDEN}", text)


def hide_logins(text: str) -> str:
    """Hide users, passwords and secret options of addresses, and of Java, in a text.

    Examples:
        >>> hide_logins("Failed to connect: jdbc:mysql://ann:s3cret@db/x?password=s3cret")
        'Failed to connect: jdbc:mysql://***@db/x?password=***'
    """
    text = re.sub(_LOGIN, f"{HIDDEN}@", text)
    text = re.sub(_JAVA_OPTION, rf"\1{HIDDEN}", text)
    return re.sub(_CREDENTIAL_OPTION, rf"\1{HIDDEN}", text)
