"""How many licenses one run may lock or delete without a person."""

from __future__ import annotations


def mass_limit(of: int) -> int:
    """More than this in one run waits for a person."""
    return max(20, of * 2 // 100)
