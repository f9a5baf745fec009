"""Pages of the exchange: export profiles and their files; lock lists with preview and report."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from sqlalchemy import func, select
from wtforms import BooleanField, PasswordField, SelectMultipleField, StringField, TextAreaField, validators
from wtforms.widgets import CheckboxInput, ListWidget

from app.core import clock, sheets
from app.core.access import may
from app.core.attachments import as_file
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.fields import EnumField, Required, ServiceForm, WholeField, clean_text, no_control
from app.core.page_parts import link_to, safe_url_for
from app.core.views import AdminEntry, AdminInterface, AdminView, action, allowed, expose
from app.exchange import exports, lock_files, lock_imports
from app.exchange.columns import COLUMNS, USUAL
from app.exchange.models import (
    ExportProfile,
    ExportRun,
    Format,
    ImportState,
    LineState,
    LockImport,
    LockLine,
    RunState,
    Schedule,
    What,
)
from app.exchange.views_accounting import AccountingRunView, failed_runs
from app.licenses.models import License
from app.system import documents
from app.system.models import JobRun
from app.system.models import RunState as JobState

SHOWN = 300


class Ticks(SelectMultipleField):
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class ProfileForm(ServiceForm):
    name = StringField(_l("Name"), [Required(), no_control, validators.Length(max=60)], filters=[clean_text], description=_l("Also the beginning of the file's name."))
    what = EnumField(_l("What"), [Required()], kind=What, default=What.LICENSES)
    columns = Ticks(_l("Columns"), choices=[], description=_l("In the order shown. None ticked: the usual ones."))
    format = EnumField(_l("Format"), [Required()], kind=Format, default=Format.CSV, description=_l("CSV: UTF-8 with semicolons. The heads are the same in every language."))
    deleted_too = BooleanField(_l("Deleted ones too"))
    schedule = EnumField(_l("When"), [Required()], kind=Schedule, default=Schedule.NEVER)
    hour = WholeField(_l("At this hour"), [Required(), validators.NumberRange(0, 23)], default=5)
    target = StringField(_l("Folder"), [validators.Optional(), no_control, validators.Length(max=300)], filters=[clean_text],
                         description=_l("Empty: the document manager, folder Exports. Else sftp://user@host/folder or s3://bucket/folder."))
    secret = PasswordField(_l("Password of the folder"), [validators.Optional(), validators.Length(max=300)], description=_l("For S3 the secret key; the key id stands before the @ of the address. Empty keeps the stored one."))
    active = BooleanField(_l("Active"), default=True)


class ExportProfileView(AdminView):
    datamodel = AdminInterface(ExportProfile)
    route_base = "/exports"
    list_title, add_title, edit_title = _l("Exports"), _l("New export"), _l("Edit export")
    list_help = _l("Licenses and customers as files, for a billing system of yours: by hand, or by the clock into a folder.")
    empty_text = _l("Make an export profile: what, which columns, when and where to.")
    list_columns = ["name", "what", "format", "schedule", "target", "active"]
    show_columns = ["name", "what", "format", "schedule", "hour", "target", "deleted_too", "active"]
    add_columns = edit_columns = ["name"]
    search_columns = ["what", "format", "schedule", "active"]
    order_columns = ["name"]
    base_order = ("name", "asc")
    quick_search = "name"
    label_columns = {"what": _l("What"), "format": _l("Format"), "schedule": _l("When"), "hour": _l("At this hour"), "target": _l("Folder"), "deleted_too": _l("Deleted ones too")}
    formatters_columns = {"target": lambda value: value or _("Document manager"), "hour": lambda value: f"{value:02d}:00"}

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        return self._form(None)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @allowed
    def edit(self, pk: Any) -> Any:
        return self._form(self.datamodel.get(pk) or abort(404))

    def _form(self, profile: ExportProfile | None) -> Any:
        form = ProfileForm(obj=profile if request.method == "GET" and profile is not None else None)
        form.secret.data = form.secret.data if request.method == "POST" else ""
        titles = {name: column.title for what in What for name, column in COLUMNS[what].items()}
        form.columns.choices = [(name, f"{title} ({name})") for name, title in titles.items()]
        if request.method == "GET":
            form.columns.data = list(profile.columns) if profile else []

        def save(filled: ProfileForm) -> Any:
            chosen = [name for name in COLUMNS[filled.what.data] if name in (filled.columns.data or [])] or USUAL[filled.what.data]
            row = exports.save_profile(profile, name=filled.name.data, what=filled.what.data, chosen=chosen, format=filled.format.data, deleted_too=filled.deleted_too.data,
                                       schedule=filled.schedule.data, hour=filled.hour.data, target=filled.target.data or "", secret=filled.secret.data or None, active=filled.active.data)
            flash(_("“%(name)s” was saved.", name=row.name), "success")
            return redirect(self.url_of(row) or self.list_url(), 303)

        return self.form_page(form, save, title=self.edit_title if profile else self.add_title, verb=_("Save"), crumb=(self.list_title, self.list_url()), to=self.list_url())

    @action("export_now", _l("Export now"), icon="fa-file-export", multiple=False)
    def export_now(self, items: list[Any]) -> Any:
        exports.start(items[0])
        flash(_("The export was ordered. It stands under “Files” as soon as it is written."), "success")

    def do_delete(self, item: ExportProfile) -> None:
        db.session.delete(item)


class ExportRunView(AdminView):
    datamodel = AdminInterface(ExportRun)
    route_base = "/export-files"
    list_title = _l("Files")
    empty_text = _l("Nothing was exported yet.")
    list_columns = ["profile", "period", "state", "rows", "file_name", "finished_at", "created_by"]
    show_columns = ["profile", "period", "state", "rows", "file_name", "document", "attempts", "error", "created_at", "finished_at", "created_by"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    deletable = False
    search_columns = ["profile", "state", "finished_at"]
    order_columns = ["finished_at"]
    base_order = ("id", "desc")
    list_tabs = [("all", _l("All"), None), ("failed", _l("Failed"), ExportRun.state == RunState.FAILED)]
    label_columns = {"profile": _l("Export"), "period": _l("For"), "rows": _l("Rows"), "file_name": _l("File"), "finished_at": _l("Written on"), "created_by": _l("Asked for by"),
                     "document": _l("Document"), "attempts": _l("Attempts"), "error": _l("Reason")}
    tab_of = (ExportProfile,)
    tab_rank = 10

    def where_parent(self, parent: Any) -> Any:
        return ExportRun.profile_id == parent.id

    @expose("/download/<pk>")
    @allowed("show")
    def file(self, pk: Any) -> Any:
        run = self.datamodel.get(pk) or abort(404)
        if run.document is None:
            abort(404)
        return as_file(documents.read(run.document), run.document.file_name, run.document.media_type)

    def head_links(self, item: Any) -> list[Any]:
        links = [link_to("ExportRunView.file", _("Download"), "fa-download", pk=item.id)] if item.document_id else []
        return [link for link in (*links, *super().head_links(item)) if link]

    @action("again", _l("Try again"), icon="fa-rotate-right", multiple=False, when=lambda run: run.state is RunState.FAILED)
    def again(self, items: list[Any]) -> None:
        exports.start(items[0].profile)
        flash(_("The export was ordered. It stands under “Files” as soon as it is written."), "success")


class LockListForm(ServiceForm):
    file = FileField(_l("File"), description=_l("CSV, Excel or JSON. The first line names the columns: user_name (or license_id, or phone), action (lock or unlock), and if you like server and note."))
    again = TextAreaField(_l("Taken in once more, because"), [validators.Optional(), validators.Length(max=500)], description=_l("Only for a file that was taken in already."))


class LockImportView(AdminView):
    datamodel = AdminInterface(LockImport)
    route_base = "/lock-lists"
    show_page = "exchange/lock_list.html"
    list_title, add_title = _l("Lock lists"), _l("Hand in a lock list")
    list_help = _l("Locks and unlocks of an external billing system. Its lock is a reason of its own: a payment does not lift it.")
    empty_text = _l("Hand in the first list. You see what it would do before anything is locked. Programs send the same over the REST interface, POST /api/v1/locks.")
    list_columns = ["file_name", "state", "lines", "created_at", "created_by", "reason"]
    show_columns = ["file_name", "state", "lines", "created_at", "created_by", "reason"]
    add_columns = ["file_name"]
    edit_columns: list[str] = []
    deletable = False
    search_columns = ["state", "created_at"]
    order_columns = ["created_at"]
    base_order = ("id", "desc")
    quick_search = "file_name"
    label_columns = {"file_name": _l("File"), "lines": _l("Lines"), "created_by": _l("Handed in by"), "created_at": _l("Handed in on"), "reason": _l("Again because")}

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        def save(form: LockListForm) -> Any:
            given = form.file.data
            if given is None or not getattr(given, "filename", ""):
                raise InvalidInput(_("Choose a file."), "file")
            row = lock_imports.look(given.filename, given.stream.read(lock_files.MOST_BYTES + 1), form.again.data or "")
            return redirect(self.url_of(row) or self.list_url(), 303)

        return self.form_page(LockListForm(), save, title=self.add_title, verb=_("Look at it"), crumb=(self.list_title, self.list_url()), to=self.list_url(), in_transaction=False)

    def show_context(self, item: LockImport) -> dict[str, Any]:
        session = db.session()
        wanted = request.args.get("only", "")
        query = select(LockLine, License).outerjoin(License, License.id == LockLine.license_id).where(LockLine.import_id == item.id)
        if wanted in {state.value for state in LineState}:
            query = query.where(LockLine.state == LineState(wanted))
        lines = session.execute(query.order_by(LockLine.number).limit(SHOWN)).all()
        run = session.get(JobRun, item.job_run_id) if item.job_run_id else None
        return {"figures": lock_imports.figures(session, item.id), "result": lines, "only": wanted, "most": SHOWN, "run": run, "held": run is not None and run.state is JobState.HELD,
                "seen": item.state is ImportState.SEEN, "license_url": lambda license: safe_url_for("LicenseView.show", pk=license.id), "LineState": LineState,
                "run_url": safe_url_for("JobRunView.show", pk=run.id) if run else None, "report_url": url_for(f"{self.endpoint}.report", pk=item.id), "may_take": may(self, "can_take")}

    @action("take", _l("Take in"), _l("Licenses are locked and unlocked on the PTT server as the list says."), "fa-check", multiple=False, danger=True, when=lambda row: row.state is ImportState.SEEN)
    def take(self, items: list[Any]) -> None:
        lock_imports.take(items[0])
        flash(_("The list is being done. Load the page anew to see the result."), "success")

    @action("put_aside", _l("Put aside"), _l("The list is deleted; nothing was done."), "fa-trash", multiple=False, when=lambda row: row.state is ImportState.SEEN)
    def put_aside(self, items: list[Any]) -> Any:
        lock_imports.put_aside(items[0])
        flash(_("The list was put aside."), "success")
        return redirect(self.list_url(), 303)

    @expose("/report/<pk>")
    @allowed("show")
    def report(self, pk: Any) -> Any:
        """The result of every line as CSV."""
        row = self.datamodel.get(pk) or abort(404)
        query = select(LockLine).where(LockLine.import_id == row.id).order_by(LockLine.number)
        head = ["line", "named", "action", "result", "reason"]
        rows = ([line.number, line.named, "lock" if line.lock else "unlock", line.state.value, line.reason] for line in db.session.scalars(query))
        return as_file(sheets.csv_bytes([head, *rows]), f"lock-list-{row.id}.csv", sheets.CSV_TYPE)


def failed_exports() -> int:
    """The number beside the menu's entry: files of the last days that could not be written."""
    from datetime import timedelta

    return db.session.scalar(select(func.count()).select_from(ExportRun).where(ExportRun.state == RunState.FAILED, ExportRun.created_at > clock.now() - timedelta(days=7))) or 0


VIEWS = [
    AdminEntry(AccountingRunView, _l("Accounting exports"), "accounting", "fa-file-export", area="receivables", count=failed_runs),
    AdminEntry(ExportProfileView, _l("Exports"), "licenses", "fa-file-export", rank=80, count=failed_exports),
    AdminEntry(ExportRunView, _l("Exported files"), "", area="licenses"),
    AdminEntry(LockImportView, _l("Lock lists"), "licenses", "fa-lock", rank=81),
]
