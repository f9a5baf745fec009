"""Answers kept ready, per language: staff type / and the short name."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import StringField, TextAreaField, validators

from app.catalog.models import LANGUAGES
from app.chat.models import CannedAnswer
from app.chat.services import LONGEST
from app.core.choices import ListedField, language_name
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.fields import Required, clean_text, no_control
from app.core.views import AdminInterface, AdminView

_NAME = re.compile(r"[\w-]{1,40}")


def answers_for(language: str) -> list[CannedAnswer]:
    """Of this language, by name; where it has none, the English ones."""
    query = select(CannedAnswer).order_by(CannedAnswer.name).limit(200)
    return list(db.session.scalars(query.where(CannedAnswer.language == language)) or []) or list(db.session.scalars(query.where(CannedAnswer.language == "en")))


def save_answer(row: CannedAnswer | None, language: str, name: str, text: str) -> CannedAnswer:
    """A new one (`row` None), or a changed one. Raises InvalidInput."""
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise InvalidInput(_("A short name without spaces, for example hours."), "name")
    if language not in LANGUAGES:
        raise InvalidInput(_("Choose one of the list."), "language")
    with transaction() as session:
        other = session.scalar(select(CannedAnswer.id).where(CannedAnswer.language == language, CannedAnswer.name == name))
        if other is not None and (row is None or row.id != other):
            raise InvalidInput(_("There is an answer with this name already."), "name")
        if row is None:
            row = CannedAnswer(language=language, name=name, text=text.strip())
            session.add(row)
        else:
            row.language, row.name, row.text = language, name, text.strip()
        session.flush()
    return row


class CannedAnswerView(AdminView):
    datamodel = AdminInterface(CannedAnswer)
    route_base = "/canned-answers"
    list_title, add_title, edit_title = _l("Canned answers"), _l("New canned answer"), _l("Edit canned answer")
    list_help = _l("In a conversation, type / and the name. Those in the customer's language are offered.")
    empty_text = _l("Write down what you answer often, once per language.")
    list_columns = ["name", "language", "text"]
    show_columns = ["name", "language", "text"]
    add_columns = edit_columns = ["name", "language", "text"]
    search_columns = ["name", "language", "text"]
    order_columns = ["name", "language"]
    base_order = ("name", "asc")
    quick_search = ("name", "text")
    deletable = True
    label_columns = {"name": _l("Name"), "text": _l("Answer"), "language": _l("Language")}
    formatters_columns = {"language": language_name}
    add_form_extra_fields = edit_form_extra_fields = {
        "name": StringField(_l("Name"), [Required(), no_control, validators.Length(max=40)], filters=[clean_text], description=_l("Short, without spaces: it is typed after /.")),
        "language": ListedField(_l("Language"), [Required()], listed=lambda: [(code, language_name(code)) for code in LANGUAGES], default="en"),
        "text": TextAreaField(_l("Answer"), [Required(), no_control, validators.Length(max=LONGEST)], filters=[clean_text], render_kw={"rows": 6}),
    }

    def do_add(self, form: Any) -> CannedAnswer:
        return save_answer(None, form.language.data, form.name.data, form.text.data)

    def do_edit(self, item: CannedAnswer, form: Any) -> None:
        save_answer(item, form.language.data, form.name.data, form.text.data)
