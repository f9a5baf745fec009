"""SFTP servers are known by their keys, so that nobody in between gets the password or the customers' data."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

from flask_babel import gettext as _

from app.core.errors import DomainError


class UnknownHost(DomainError):
    """The server's key is not among the known ones, or is another one than is known."""


def policy(path: str) -> Any:
    """Paramiko's answer to a key that it does not know, which it asks for at each connection, before anything secret is sent.

    `path`: a file as OpenSSH's `known_hosts`, which the operator keeps. Paramiko is an extra: imported when SFTP is used.
    """
    import paramiko

    class KnownHosts(paramiko.MissingHostKeyPolicy):
        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            check(paramiko.HostKeys(path) if os.path.exists(path) else paramiko.HostKeys(), path, hostname, key)

    return KnownHosts()


def check(known: Any, path: str, hostname: str, key: Any) -> None:
    """Raises UnknownHost with the key's fingerprint, as OpenSSH shows it."""
    if known.check(hostname, key):
        return
    shown = f"{key.get_name()} SHA256:{base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip('=')}"
    if known.lookup(hostname) is not None:
        raise UnknownHost(_("%(host)s shows another key than the one that is known: %(key)s. Ask its operator before you change %(file)s.", host=hostname, key=shown, file=path))
    raise UnknownHost(_("The key of %(host)s is not known: %(key)s. When its operator confirms it, add the line that “ssh-keyscan” prints for the host to %(file)s.", host=hostname, key=shown, file=path))
