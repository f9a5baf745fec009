"""For containers and monitors: exit code 0 when the web server of this machine answers. `healthcheck.py [PORT]`."""

from __future__ import annotations

import http.client
import os
import sys


def is_healthy(port: int) -> bool:
    # The site answers only to its own names.
    host = (os.environ.get("TRUSTED_HOSTS") or "localhost").split(",")[0].strip()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_healthy(int(sys.argv[1]) if len(sys.argv) > 1 else 8000) else 1)
