"""The shell of the staff interface: sign-in, menu, dashboard, headers, error pages, system pages."""

from __future__ import annotations

from app.admin.shell import install

__all__ = ["install"]
