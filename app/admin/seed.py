"""What `flask ptt setup` adds for the shell."""

from __future__ import annotations

from app.admin.roles import seed_roles


def seed() -> None:
    seed_roles()
