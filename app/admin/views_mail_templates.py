"""E-mail texts: what the system writes, per purpose and language; changed, tried and put back by staff."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import abort, flash, make_response, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from app.core.choices import language_name
from app.core.fields import Required, ServiceForm, clean_text, no_control
from app.core.views import AdminPage, allowed, expose
from app.system import mail_templates as texts

TEMPLATE = "admin/mail_text.html"


class MailTextForm(ServiceForm):
    subject = StringField(_l("Subject"), [Required(), no_control, Length(max=texts.SUBJECT)], filters=[clean_text])
    body = TextAreaField(_l("Text"), [Required(), no_control, Length(max=texts.BODY)], render_kw={"rows": 18})


class MailTextPage(AdminPage):
    route_base = "/mail-texts"
    title = _l("E-mail texts")

    @expose("/")
    @allowed
    def index(self) -> Any:
        return self.page("admin/mail_texts.html", mails=texts.mails(), languages=[(code, language_name(code)) for code in texts.languages()], changed=texts.changed_texts())

    @expose("/<purpose>/<language>", methods=["GET", "POST"])
    @allowed("change")
    def text(self, purpose: str, language: str) -> Any:
        spec, words = self._find(purpose, language)
        form = MailTextForm(data={"subject": words.subject, "body": words.body})
        here, top = url_for(f"{self.endpoint}.text", purpose=purpose, language=language), url_for(f"{self.endpoint}.index")
        context: dict[str, Any] = {
            "title": _("%(title)s in %(language)s", title=spec.title, language=language_name(language)), "crumb": (self.title, top), "verb": _("Save"), "spec": spec,
            "changed": words.changed, "common": texts.COMMON_HELP, "reset_url": url_for(f"{self.endpoint}.reset", purpose=purpose, language=language)}

        def save(form: Any) -> Any:
            written = texts.Words(form.subject.data, form.body.data.replace("\r\n", "\n"))
            step = request.form.get("step")
            if step not in ("preview", "test"):
                texts.save_words(purpose, language, written.subject, written.body)
                flash(_("The text was saved. The next e-mail uses it."), "success")
                return redirect(here, 303)
            shown = texts.preview(spec, language, written)
            if step == "test":
                texts.send_test(f"test:{uuid4().hex}", spec, language, written, current_user.email)
                flash(_("A test e-mail to %(address)s is on its way. The text is not saved yet.", address=current_user.email), "success")
            return make_response(self.render(TEMPLATE, form=form, cancel=top, shown=shown, unsaved=True, **context))

        return self.form_page(form, save, to=top, template=TEMPLATE, in_transaction=False, shown=self._shown(spec, language, words), **context)

    @staticmethod
    def _shown(spec: Any, language: str, words: texts.Words) -> texts.Words | None:
        """The preview of the text in force; none while the form has a text that cannot be sent."""
        return texts.preview(spec, language, words) if request.method == "GET" else None

    @expose("/<purpose>/<language>/reset", methods=["POST"])
    @allowed("change")
    def reset(self, purpose: str, language: str) -> Any:
        self._find(purpose, language)
        self.attempt(lambda: texts.reset_words(purpose, language), _("The text is again the one that came with the product."))
        return redirect(url_for(f"{self.endpoint}.text", purpose=purpose, language=language), 303)

    def _find(self, purpose: str, language: str) -> tuple[Any, texts.Words]:
        try:
            spec = texts.mail(purpose)
        except KeyError:
            abort(404)
        if language not in texts.languages():
            abort(404)
        return spec, texts.words_of(spec, language)
