"""The class that a plugin subclasses. Every answer has a default; the factory asks each once, at start."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from app.core.jobs import Job
from app.plugin_api.accounting import AccountingExport
from app.plugin_api.contracts import AdminPage, InvoiceExtra, PaymentMethod
from app.plugin_api.mail import MailTemplate
from app.plugin_api.payment import PaymentIntake
from app.plugin_api.portal import PortalEntry
from app.plugin_api.provisioning import ProvisioningDriver
from app.plugin_api.rest import ApiResource
from app.plugin_api.sms import SmsGateway

API_VERSION = 1


class Plugin:
    """An add-on. `name` prefixes its tables (`name_…`), `api` is the version of this contract it was written for.

    Folders `migrations/`, `translations/`, `templates/<name>/` and `static/` beside the plugin are found by themselves.
    """

    name: ClassVar[str]
    title: ClassVar[Any]
    api: ClassVar[int] = API_VERSION
    version: ClassVar[str] = ""

    def payment_methods(self) -> Iterable[PaymentMethod]:
        """Ways to pay an invoice."""
        return ()

    def provisioning_drivers(self) -> Iterable[ProvisioningDriver]:
        """Kinds of PTT servers."""
        return ()

    def payment_intakes(self) -> Iterable[PaymentIntake]:
        """Sources of payments that are read before anybody is locked; their names begin with the plugin's."""
        return ()

    def sms_gateways(self) -> Iterable[SmsGateway]:
        """Ways to send SMS."""
        return ()

    def accounting_exports(self) -> Iterable[AccountingExport]:
        """Files for financial accounting."""
        return ()

    def invoice_extras(self) -> Iterable[InvoiceExtra]:
        """Files that go with an invoice."""
        return ()

    def jobs(self) -> Iterable[Job]:
        """Timed programs."""
        return ()

    def admin_pages(self) -> Iterable[AdminPage]:
        """Views of the staff interface."""
        return ()

    def api_resources(self) -> Iterable[ApiResource]:
        """Operations of the REST interface, below /api/v1/plugins/<name>."""
        return ()

    def public_blueprint(self) -> Any | None:
        """A Flask blueprint for other systems (webhooks), mounted at /hooks/<name>/: without sign-in and without the token
        against forgery, 600 requests an hour and address, bodies up to 1 MB. It proves by itself who calls."""
        return None

    def portal_blueprint(self) -> Any | None:
        """A Flask blueprint of pages for customers, mounted at /portal/<name>/. See `app.plugin_api.portal`."""
        return None

    def portal_entries(self) -> Iterable[PortalEntry]:
        """Entries in the menu of the portal."""
        return ()

    def portal_form_targets(self) -> Iterable[str]:
        """Other sites that forms of the portal lead to, such as a payment service: origins with https (http on this machine only).
        Browsers refuse all others."""
        return ()

    def reactions(self) -> Mapping[type, Callable[[Any], None]]:
        """Domain event → function, called inside the transaction of the event in a savepoint of its own."""
        return {}

    def settings(self) -> Iterable[Any]:
        """`app.system.settings.Setting` objects; keys begin with the plugin's name and a dot. `secret=True`: stored encrypted, shown to nobody."""
        return ()

    def mail_templates(self) -> Iterable[MailTemplate]:
        """E-mails that the plugin writes; their purposes begin with the plugin's name and a dot. Staff may change the texts."""
        return ()

    def needs_invoices(self, invoice_ids: Sequence[int]) -> Iterable[int]:
        """Which of these invoices must stay for now, though their retention is over: money is on its way, something is not yet in the books.
        Asked each time before invoices are deleted, behind the locks of their accounts. A nullable foreign key to an invoice is emptied
        then; a row whose key cannot be empty counts as a part of the invoice and is deleted with it."""
        return ()

    def load_demo(self) -> None:
        """Last part of `flask ptt demo`: a few rows that show what the plugin does, made by its own services."""

    def package(self) -> str:
        """The Python package that the plugin's class lies in."""
        module = type(self).__module__
        return module if hasattr(sys.modules[module], "__path__") else module.rpartition(".")[0] or module

    def folder(self, name: str) -> Path | None:
        """A folder beside the plugin, when it is there."""
        path = Path(str(sys.modules[type(self).__module__].__file__)).parent / name
        return path if path.is_dir() else None
