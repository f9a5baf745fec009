"""Demo data of the website: five pages and a menu in three languages, pictures, the site switched on."""

from __future__ import annotations

from typing import Any

from flask_babel import force_locale

from app.system.settings import change_settings
from app.website import container, demo_pictures, menu, pages
from app.website.demo_data import ALT, PAGES
from app.website.models import SiteForm, TargetKind

JOIN = {"en": "Register", "de": "Registrieren", "pt_BR": "Cadastro"}


def load(customers: list[Any]) -> None:
    drawn = {"radio": demo_pictures.radio(), "net": demo_pictures.net()}
    pictures = {name: container.upload(f"{name}.png", data, alt=ALT[name])[0] for name, data in drawn.items()}
    for language, rows in PAGES.items():
        with force_locale(language):
            made = []
            for designation, slug, menu_title, page_title, description, picture, in_footer, body in rows:
                page = pages.save_page(designation=designation, language=language, slug=slug, menu_title=menu_title, page_title=page_title, description=description,
                                       picture=pictures.get(picture), in_footer=in_footer, body=body)
                pages.publish(page)
                made.append(page)
            for page in made[:3]:
                menu.save_item(language=language, kind=TargetKind.PAGE, page=page)
            top = menu.save_item(language=language, kind=TargetKind.HEADING, title=JOIN[language])
            for form in (SiteForm.REGISTER, SiteForm.REGISTER_PUBLIC, SiteForm.CONTACT):
                menu.save_item(language=language, kind=TargetKind.FORM, form=form, parent=top)
    change_settings({"website.on": True})
