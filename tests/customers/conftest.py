from __future__ import annotations

from tests.admin.conftest import desk, quick_hashes
from tests.portal.conftest import mailbox, visitor

__all__ = ["desk", "mailbox", "quick_hashes", "visitor"]
