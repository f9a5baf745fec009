"""Takes every e-mail, delivers none: for trying and training. Messages are files; a small page shows them.

`python -m mailsink --port 2525 --web-port 8025 --data DIR`. The page answers only under the names of this machine.
"""

from __future__ import annotations

from mailsink.inbox import Inbox
from mailsink.receiver import Receiver

__all__ = ["Inbox", "Receiver"]
