"""SMS texts: what users of licenses are sent, per purpose, PTT mode and language; changed, looked at and put back by staff."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import TextAreaField
from wtforms.validators import Length

from app.catalog.models import PttMode
from app.core.choices import language_name
from app.core.db import db
from app.core.fields import Required, ServiceForm, clean_text
from app.core.views import AdminPage, allowed, expose
from app.licenses.sms import kinds_of
from app.system import mail_templates
from app.system import sms_templates as texts
from app.system.settings import setting
from app.system.sms_parts import Size, measure, simplify

TEMPLATE = "admin/sms_text.html"
ALL = "all"             # in addresses: the text for all PTT modes


class SmsTextForm(ServiceForm):
    body = TextAreaField(_l("Text"), [Required(), Length(max=texts.BODY)], filters=[clean_text], render_kw={"rows": 6})


def modes() -> dict[str, str]:
    """Code → name, the text for all of them first."""
    return {ALL: _("All PTT modes"), **dict(db.session.execute(select(PttMode.code, PttMode.name).order_by(PttMode.name)).all())}


def shown_modes() -> dict[str, dict[str, str]]:
    """Purpose → modes that have such SMS, or a text of their own."""
    has = {mode.code: kinds_of(mode) for mode in db.session.scalars(select(PttMode))}
    own = {(purpose, variant) for purpose, variant, _language in texts.changed_texts()}
    return {spec.purpose: {code: name for code, name in modes().items() if code == ALL or spec.purpose in has[code] or (spec.purpose, code) in own} for spec in texts.templates()}


class SmsTextPage(AdminPage):
    route_base = "/sms-texts"
    title = _l("SMS texts")

    @expose("/")
    @allowed
    def index(self) -> Any:
        return self.page("admin/sms_texts.html", templates=texts.templates(), modes=shown_modes(), languages=[(code, language_name(code)) for code in mail_templates.languages()],
                         changed={(purpose, variant or ALL, language) for purpose, variant, language in texts.changed_texts()})

    @expose("/<purpose>/<mode>/<language>", methods=["GET", "POST"])
    @allowed("change")
    def text(self, purpose: str, mode: str, language: str) -> Any:
        spec, variant, name = self._find(purpose, mode, language)
        body = texts.body_of(spec, variant, language)
        form = SmsTextForm(data={"body": body})
        here, top = url_for(f"{self.endpoint}.text", purpose=purpose, mode=mode, language=language), url_for(f"{self.endpoint}.index")
        context: dict[str, Any] = {
            "title": _("%(title)s, %(mode)s, in %(language)s", title=spec.title, mode=name, language=language_name(language)), "crumb": (self.title, top), "verb": _("Save"), "spec": spec,
            "changed": texts.stored(purpose, variant, language) is not None, "common": mail_templates.COMMON_HELP,
            "reset_url": url_for(f"{self.endpoint}.reset", purpose=purpose, mode=mode, language=language)}

        def save(form: Any) -> Any:
            written = form.body.data.replace("\r\n", "\n")
            if request.form.get("step") != "preview":
                texts.save_body(purpose, variant, language, written)
                flash(_("The text was saved. The next SMS uses it."), "success")
                return redirect(here, 303)
            texts.check_body(spec, written)
            return make_response(self.render(TEMPLATE, form=form, cancel=top, shown=preview(spec, language, written), unsaved=True, **context))

        return self.form_page(form, save, to=top, template=TEMPLATE, in_transaction=False, shown=preview(spec, language, body) if request.method == "GET" else None, **context)

    @expose("/<purpose>/<mode>/<language>/reset", methods=["POST"])
    @allowed("change")
    def reset(self, purpose: str, mode: str, language: str) -> Any:
        _spec, variant, _name = self._find(purpose, mode, language)
        self.attempt(lambda: texts.reset_body(purpose, variant, language), _("The text is again the one that came before."))
        return redirect(url_for(f"{self.endpoint}.text", purpose=purpose, mode=mode, language=language), 303)

    @staticmethod
    def _find(purpose: str, mode: str, language: str) -> tuple[texts.SmsTemplate, str, str]:
        known = modes()
        if purpose not in {spec.purpose for spec in texts.templates()} or mode not in known or language not in mail_templates.languages():
            abort(404)
        return texts.template(purpose), "" if mode == ALL else mode, known[mode]


def preview(spec: texts.SmsTemplate, language: str, body: str) -> tuple[str, Size]:
    """With sample values, and what it would be charged as."""
    values = mail_templates.samples(spec, language)      # type: ignore[arg-type]
    text = texts.put_in_secrets(spec, texts.compose(spec, body, values), values)
    text = simplify(text) if setting("sms.simplify") else text
    return text, measure(text)
