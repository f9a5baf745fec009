"""Licenses and groups, why they are locked, and how they reach the PTT server."""
