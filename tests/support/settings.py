"""What every application under test is configured with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config import engine_options

SECRET_KEY = "a-key-of-the-tests-0123456789-ABCDEFGHIJ"
ENCRYPTION_KEYS = "t1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
ADMIN = "admin"
PASSWORD = "violet-harbour-anvil-42"
ROOT = Path(__file__).resolve().parents[2]


def settings(uri: str, folder: Path) -> dict[str, Any]:
    """For `create_app(**…)`. Jobs and outboxes run inside the test (PTT_INLINE); Redis is there when a test asks for it."""
    return {
        "TESTING": True, "SECRET_KEY": SECRET_KEY, "PTT_ENCRYPTION_KEYS": ENCRYPTION_KEYS, "PTT_INLINE": True,
        "SQLALCHEMY_DATABASE_URI": uri, "SQLALCHEMY_ENGINE_OPTIONS": engine_options(uri), "DATABASE_URL": uri,
        "REDIS_URL": f"unix://{folder / 'redis' / 'redis.sock'}", "DOCUMENTS_URL": f"file://{folder / 'documents'}",
        "BASE_URL": "http://localhost", "TRUSTED_HOSTS": ["localhost", "127.0.0.1"], "FAB_SAFE_REDIRECT_HOSTS": ["localhost", "127.0.0.1"],
        "SESSION_COOKIE_SECURE": False, "SMTP_URL": "", "PTT_ALLOWED_NETS": "127.0.0.0/8", "PTT_CLOCK_FILE": str(folder / "clock"),
        "RATELIMIT_ENABLED": False,
    }
