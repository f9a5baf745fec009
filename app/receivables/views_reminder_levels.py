"""Staff pages of reminder levels and the texts of their letters."""

from __future__ import annotations

from typing import Any

from flask import flash
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import own_rows
from app.core.views import AdminInterface, AdminView
from app.receivables import reminder_levels
from app.receivables.reminder_models import ReminderLevel, ReminderText
from app.receivables.reminder_texts import compose, sample


class ReminderTextView(AdminView):
    datamodel = AdminInterface(ReminderText)
    route_base = "/reminder-texts"
    list_title, edit_title = _l("Texts"), _l("Edit text")
    list_columns = ["language", "subject"]
    show_columns = ["level", "language", "subject", "body", "preview"]
    add_columns: list[str] = []
    edit_columns = ["subject", "body"]
    search_columns = ["language"]
    order_columns = ["language"]
    label_columns = {"subject": _l("Heading"), "body": _l("Text"), "preview": _l("Preview"), "level": _l("Level")}

    description_columns = {"body": _l("An empty line begins a new paragraph. These places are filled in: {{sum}}, {{pay_until}}, {{lock_on}} (only where the level announces the lock), {{customer}}, "
                                      "{{count}}, {{day}}, {{company}}, {{company_email}}, {{company_phone}}, {{company_website}}.")}

    def raw(self, item: Any, column: str) -> Any:
        if column == "preview":
            with force_locale(item.language):
                subject, body = compose({(item.level.number, item.language): (item.subject, item.body)}, item.level.number, item.language, sample(item.language))
            return f"{subject}\n\n{body}"
        return super().raw(item, column)

    def head_title(self, item: Any) -> str:
        return str(item)

    def do_edit(self, item: Any, form: Any) -> None:
        reminder_levels.save_text(item.level, item.language, form.subject.data or "", form.body.data or "", item)


class ReminderLevelView(AdminView):
    datamodel = AdminInterface(ReminderLevel)
    route_base = "/reminder-levels"
    list_title, add_title, edit_title = _l("Reminder levels"), _l("New reminder level"), _l("Edit reminder level")
    list_help = _l("An overdue demand goes through the levels one by one.")
    empty_text = _l("Without levels nobody is reminded.")
    list_columns = ["number", "name", "days", "fees", "interest", "lock_notice"]
    show_columns = ["number", "name", "days", "fees", "interest", "lock_notice", "lock_days"]
    add_columns = edit_columns = ["name", "days", "fees", "interest", "lock_notice", "lock_days"]
    search_columns = ["interest", "lock_notice"]
    order_columns = ["number", "days"]
    base_order = ("number", "asc")
    deletable = True
    related_views = [ReminderTextView]
    label_columns = {"number": _l("Level"), "days": _l("Days after the due day"), "fees": _l("Fee of the letter"), "interest": _l("Claims interest"), "lock_notice": _l("Announces the lock"),
                     "lock_days": _l("Days from the letter to the lock")}
    description_columns = {
        "days": _l("A demand reaches the level this many days after it was due, and at least as long after the level before as the levels are apart."),
        "fees": _l("Once per letter, by currency: EUR 2.50, BRL 10.00. Empty: none."),
        "interest": _l("Default interest as the settings say, by the day, with the flat sum for businesses in Germany."),
        "lock_notice": _l("The letter names the day after which the licenses are locked. A demand locks only after that day."),
    }

    def head_title(self, item: Any) -> str:
        return str(item)

    def do_add(self, form: Any) -> Any:
        return reminder_levels.add_level(form.name.data or "", form.days.data or 0, form.fees.data or "", form.interest.data, form.lock_notice.data, form.lock_days.data or 14)

    def do_edit(self, item: Any, form: Any) -> None:
        replaced = reminder_levels.change_level(item, form.name.data or "", form.days.data or 0, form.fees.data or "", form.interest.data, form.lock_notice.data, form.lock_days.data or 14)
        if replaced:
            flash(_("The lock notice was changed: the texts in %(languages)s did not fit any more and were replaced by those that came with the product. Read them before the next letters go.",
                    languages=", ".join(replaced)), "warning")

    def do_delete(self, item: Any) -> None:
        reminder_levels.delete_level(item)


own_rows.rule(ReminderLevel, None)
own_rows.rule(ReminderText, None)
