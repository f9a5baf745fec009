"""Takes no event."""

from app.plugin_api import Plugin
from app.receivables.events import PaymentRecorded


class Broken(Plugin):
    name = "raising_reaction"
    title = "Raising reaction"

    def reactions(self):
        return {PaymentRecorded: self.fail}

    def fail(self, event):
        raise RuntimeError(f"payment {event.payment_id} is not liked")
