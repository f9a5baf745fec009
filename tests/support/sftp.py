"""An SFTP server on a folder, with a key of its own, one user and one password."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import paramiko


class Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL if (username, password) == ("ptt", "s3cret") else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class Open(paramiko.SFTPHandle):
    def stat(self) -> Any:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.writefile.fileno()))      # type: ignore[attr-defined]


class Folder(paramiko.SFTPServerInterface):
    def __init__(self, server: Any, root: Path):
        super().__init__(server)
        self.root = root

    def at(self, path: str) -> Path:
        return self.root / self.canonicalize(path).lstrip("/")

    def does(self, call: Any, *given: Any) -> int:
        try:
            call(*given)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return paramiko.SFTP_OK

    def list_folder(self, path: str) -> Any:
        return [paramiko.SFTPAttributes.from_stat(entry.stat(), entry.name) for entry in os.scandir(self.at(path))]

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self.at(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        try:
            file = self.at(path).open("w+b" if flags & os.O_CREAT else "rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        handle = Open(flags)
        handle.filename, handle.readfile, handle.writefile = str(self.at(path)), file, file  # type: ignore[attr-defined]
        return handle

    def remove(self, path: str) -> int:
        return self.does(self.at(path).unlink)

    def rename(self, old: str, new: str) -> int:
        return self.does(self.at(old).rename, self.at(new))

    posix_rename = rename

    def mkdir(self, path: str, attr: Any) -> int:
        return self.does(self.at(path).mkdir)


class SftpServer:
    """`with SftpServer(folder) as server`: listens on `server.port`; `server.known_host` is its line of known_hosts."""

    def __init__(self, root: Path):
        self.root, self.key = root, paramiko.ECDSAKey.generate()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.known_host = f"[127.0.0.1]:{self.port} {self.key.get_name()} {self.key.get_base64()}\n"
        self.transports: list[paramiko.Transport] = []

    def __enter__(self) -> SftpServer:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def _listen(self) -> None:
        while True:
            try:
                connection, _address = self.listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Folder, self.root)
            self.transports.append(transport)
            try:
                transport.start_server(server=Door())
            except (paramiko.SSHException, EOFError):
                continue

    def __exit__(self, *_error: object) -> None:
        self.listener.close()
        for transport in self.transports:
            transport.close()
