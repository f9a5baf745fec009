"""The document manager: everything that was stored, by folder; upload, file away, download, delete when it may go."""

from __future__ import annotations

from typing import Any

from flask import abort, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf.file import FileField
from wtforms import StringField, validators

from app.core import formats, own_rows
from app.core.access import allowed
from app.core.attachments import as_file
from app.core.fields import ServiceForm, clean_text, no_control
from app.core.page_parts import link_to, page_links
from app.core.views import AdminInterface, AdminView, action, expose
from app.customers.forms import customer_field
from app.customers.models import Customer
from app.system import archive, documents, uploads
from app.system.models import Document, DocumentKind


class FilingForm(ServiceForm):
    title = StringField(_l("Title"), [validators.Optional(), no_control, validators.Length(max=200)], filters=[clean_text], description=_l("The file's name when left empty."))
    folder = StringField(_l("Folder"), [validators.Optional(), no_control, validators.Length(max=200)], filters=[clean_text],
                         description=_l("A path such as Contracts/2026. A new folder appears by itself."))
    customer = customer_field(required=False)


class UploadForm(FilingForm):
    file = FileField(_l("File"), description=_l("PDF, pictures, text, CSV, Word, Excel, PowerPoint and OpenDocument, at most 20 MB."))


class DocumentView(AdminView):
    datamodel = AdminInterface(Document)
    route_base = "/documents"
    list_title, add_title = _l("Documents"), _l("Upload document")
    list_help = _l("Invoices and letters lie here by themselves; what you upload is kept beside them.")
    empty_text = _l("Nothing was stored yet.")
    list_columns = ["title", "kind", "folder", "file_name", "size", "created_at"]
    show_fieldsets = [(_l("Document"), {"fields": ["title", "kind", "folder", "file_name", "media_type", "size", "sha256", "created_at", "retain_until"]})]
    add_columns = ["title"]
    edit_columns: list[str] = []
    search_columns = ["kind", "folder", "title", "file_name", "created_at"]
    order_columns = ["created_at", "size", "title"]
    base_order = ("", "desc")
    quick_search = ("title", "file_name", "folder")
    list_tabs = [("all", _l("All"), None), ("upload", _l("Uploads"), Document.kind == DocumentKind.UPLOAD),
                 ("invoice", _l("Invoices"), Document.kind.in_([DocumentKind.INVOICE, DocumentKind.E_INVOICE])),
                 ("letter", _l("Letters"), Document.kind.in_([DocumentKind.REMINDER, DocumentKind.STATEMENT]))]
    tab_of = (Customer,)
    tab_rank = 85
    label_columns = {"media_type": _l("Type"), "sha256": _l("Checksum (SHA-256)"), "retain_until": _l("Kept until")}
    formatters_columns = {"size": formats.size}

    def where_parent(self, parent: Any) -> Any:
        return Document.customer_id == parent.id

    @expose("/download/<pk>")
    @allowed("download")
    def file(self, pk: Any) -> Any:
        """The stored bytes, proved by their checksum, always as an attachment."""
        document = self.datamodel.get(pk) or abort(404)
        return as_file(documents.read(document), document.file_name, document.media_type)

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        asked = request.args.get("customer", "")
        preset = own_rows.get(Customer, int(asked)) if asked.isdecimal() and len(asked) < 12 else None
        form = UploadForm(data={"customer": preset} if request.method == "GET" else None)

        def save(filled: UploadForm) -> Any:
            given = filled.file.data
            if given is None or not getattr(given, "filename", ""):
                from app.core.errors import InvalidInput

                raise InvalidInput(_("Choose a file."), "file")
            data = given.stream.read(uploads.MOST + 1)
            owner: Any = filled.customer.data
            archive.upload(given.filename, data, filled.title.data or "", filled.folder.data or "", owner.id if owner else None)

        return self.form_page(form, save, title=self.add_title, verb=_("Upload"), crumb=(self.list_title, self.list_url()), to=self.list_url(), in_transaction=False)

    @action("file_away", _l("File away"), icon="fa-folder-open", form=FilingForm, multiple=False)
    def file_away(self, items: list[Document], form: FilingForm) -> None:
        owner: Any = form.customer.data
        self.each(items, lambda item: archive.file_away(item, form.title.data or item.title, form.folder.data or "", owner.id if owner else item.customer_id),
                  lambda n: _("The document was filed away."))

    @action("delete_upload", _l("Delete"), _l("Only uploads whose time is over can be deleted. This cannot be undone."), "fa-trash", danger=True,
            when=lambda document: document.kind is DocumentKind.UPLOAD)
    def delete_upload(self, items: list[Document]) -> None:
        self.each(items, archive.delete_document, lambda n: ngettext("%(num)d document deleted.", "%(num)d documents deleted.", n))


@page_links(Document)
def download(document: Document) -> list[Any]:
    return [link_to("DocumentView.file", _("Download"), "fa-download", pk=document.id)]


@page_links(Customer, rank=80)
def upload_for(customer: Customer) -> list[Any]:
    return [link_to("DocumentView.add", _("Upload document"), "fa-upload", more=True, customer=customer.id)]
