"""The reminder levels that an installation begins with."""

from app.receivables.reminder_texts import seed_levels


def seed() -> None:
    seed_levels()
