"""The class that a plugin subclasses. Every answer has a default; the factory asks each once, at start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

from app.core.jobs import Job
from app.plugin_api.contracts import AdminPage, InvoiceExtra, PaymentMethod
from app.plugin_api.mail import MailTemplate
from app.plugin_api.portal import PortalEntry
from app.plugin_api.provisioning import ProvisioningDriver

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

    def invoice_extras(self) -> Iterable[InvoiceExtra]:
        """Blocks printed on an invoice, files attached to it."""
        return ()

    def jobs(self) -> Iterable[Job]:
        """Timed programs."""
        return ()

    def admin_pages(self) -> Iterable[AdminPage]:
        """Views of the staff interface."""
        return ()

    def portal_blueprint(self) -> Any | None:
        """A Flask blueprint of pages for customers, mounted at /portal/<name>/. See `app.plugin_api.portal`."""
        return None

    def portal_entries(self) -> Iterable[PortalEntry]:
        """Entries in the menu of the portal."""
        return ()

    def reactions(self) -> Mapping[type, Callable[[Any], None]]:
        """Domain event → function, called inside the transaction of the event in a savepoint of its own."""
        return {}

    def settings(self) -> Iterable[Any]:
        """`app.plugin_api.Setting` objects; keys begin with the plugin's name and a dot."""
        return ()

    def mail_templates(self) -> Iterable[MailTemplate]:
        """E-mails that the plugin writes; their purposes begin with the plugin's name and a dot. Staff may change the texts."""
        return ()

    def load_demo(self) -> None:
        """Last part of `flask ptt demo`: a few rows that show what the plugin does, made by its own services."""

    def folder(self, name: str) -> Path | None:
        path = Path(str(files(type(self).__module__))) / name
        return path if path.is_dir() else None
