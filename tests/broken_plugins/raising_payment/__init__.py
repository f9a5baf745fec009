"""A way to pay that cannot print what it should."""

from app.plugin_api import PaymentMethod, Plugin


class Method(PaymentMethod):
    code = "raising_payment"
    title = "Raising payment"

    def payment_lines(self, invoice):
        raise ZeroDivisionError("no sentence today")

    def portal_actions(self, demand):
        raise ZeroDivisionError("no button today")


class Broken(Plugin):
    name = "raising_payment"
    title = "Raising payment"

    def payment_methods(self):
        return [Method()]
