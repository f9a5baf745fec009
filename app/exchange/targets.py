"""Where an export goes: the document manager, or a folder that fsspec reaches (file, SFTP, S3-compatible)."""

from __future__ import annotations

import contextlib
import os
import posixpath
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec
from flask import current_app
from flask_babel import gettext as _

from app.core.apart import reason_of
from app.core.errors import DomainError, InvalidInput
from app.exchange import host_keys

SCHEMES = ("sftp", "s3", "file")


class TargetError(DomainError):
    """The folder cannot be written; the message says why."""


def check_target(address: str) -> str:
    """`sftp://user@host/folder`, `s3://bucket/folder`, or `file:///folder` below the folder that the operator allows. Raises InvalidInput."""
    address = address.strip()
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        known, _port = parts.scheme in SCHEMES, parts.port
    except ValueError:          # brackets that do not close, a port that is no number
        known = False
    if not known:
        raise InvalidInput(_("Write the folder as sftp://user@host/folder or s3://bucket/folder, or leave it empty."), "target")
    if parts.password:
        raise InvalidInput(_("Put the password into its own field: addresses are shown."), "target")
    if parts.scheme == "file":
        allowed = current_app.config.get("EXPORT_FOLDER") or ""
        folder = os.path.realpath(parts.path)
        if not allowed or not (folder + "/").startswith(os.path.realpath(allowed) + "/"):
            raise InvalidInput(_("Folders of this machine have to lie below EXPORT_FOLDER, which the operator sets."), "target")
    elif not parts.hostname:
        raise InvalidInput(_("Write the folder as sftp://user@host/folder or s3://bucket/folder, or leave it empty."), "target")
    else:
        allowed_hosts = current_app.config.get("EXPORT_HOSTS") or ()
        if parts.scheme == "sftp" and allowed_hosts and parts.hostname not in allowed_hosts:
            raise InvalidInput(_("The operator does not allow exports to this host."), "target")
    return address


def deliver(source: Path, address: str, secret: str | None, name: str) -> None:
    """Copy the file there under a temporary name, then give it its name: whoever fetches files sees whole ones only. Raises TargetError."""
    parts, temp = urlsplit(check_target(address)), ""
    try:
        fs, folder = _open(parts, secret)
        place, temp = posixpath.join(folder, name), posixpath.join(folder, f".{name}.part")
        if parts.scheme == "s3":        # an object appears when it is whole
            fs.put_file(str(source), place)
        else:
            fs.makedirs(folder, exist_ok=True)
            fs.put_file(str(source), temp)
            if fs.exists(place):
                fs.rm_file(place)
            fs.mv(temp, place)
    except DomainError:
        raise
    except Exception as error:         # each file system raises its own
        if parts.scheme != "s3" and temp:
            with contextlib.suppress(Exception):
                fs.rm_file(temp)
        raise TargetError(_("The folder cannot be written: %(why)s", why=reason_of(error)[:300])) from error


def _open(parts: Any, secret: str | None) -> tuple[Any, str]:
    if parts.scheme == "file":
        return fsspec.filesystem("file"), parts.path
    if parts.scheme == "sftp":
        options = {"host": parts.hostname, "port": parts.port or 22, "username": parts.username or "", "timeout": 15, "banner_timeout": 15, "auth_timeout": 15, "look_for_keys": False, "allow_agent": False,
                   "host_key_policy": host_keys.policy(current_app.config.get("EXPORT_KNOWN_HOSTS") or "")}
        if secret:
            options["password"] = secret
        return fsspec.filesystem("sftp", skip_instance_cache=True, **options), parts.path or "/"
    options = {"skip_instance_cache": True}
    if parts.username and secret:
        options |= {"key": parts.username, "secret": secret}
    if endpoint := current_app.config.get("EXPORT_S3_ENDPOINT"):
        options["client_kwargs"] = {"endpoint_url": endpoint}
    return fsspec.filesystem("s3", **options), f"{parts.hostname}{parts.path}"
