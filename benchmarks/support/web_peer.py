"""Django's admin on the product's own tables: change lists of licenses and customers, as its documentation makes them fast.

`PEER_DATABASE` is the address. `prepare(name, password)` makes Django's own tables and a superuser.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

LABEL = "auth"     # an application that Django has; its tables stay the product's


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query).get("host", [""])[0]
    return {"ENGINE": "django.db.backends.postgresql", "NAME": parts.path.lstrip("/"), "USER": parts.username or "", "PASSWORD": parts.password or "",
            "HOST": host, "PORT": parts.port or "", "CONN_MAX_AGE": 600}


class Statements:
    """Middleware: the number of statements of the answer in a header."""

    def __init__(self, answer: Any):
        self.answer = answer

    def __call__(self, request: Any) -> Any:
        from django.db import connection

        number = 0

        def count(execute: Any, *arguments: Any) -> Any:
            nonlocal number
            number += 1
            return execute(*arguments)

        with connection.execute_wrapper(count):
            response = self.answer(request)
            if hasattr(response, "render") and not response.is_rendered:
                response.render()
        response["X-Statements"] = str(number)
        return response


def _start() -> None:
    urls = sys.modules["peer_urls"] = ModuleType("peer_urls")
    processors = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]
    settings.configure(
        SECRET_KEY="for-a-benchmark-only-" * 3, DEBUG=False, ALLOWED_HOSTS=["*"], DATABASES={"default": _database(os.environ["PEER_DATABASE"])}, ROOT_URLCONF="peer_urls",
        STATIC_URL="/static/", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages"],
        MIDDLEWARE=[f"{__name__}.Statements", "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
                    "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": processors}}])
    django.setup()
    from django.contrib import admin
    from django.db import models
    from django.urls import path

    class Tariff(models.Model):
        name = models.CharField(max_length=60)

        class Meta:
            app_label, db_table, managed = LABEL, "tariff", False

        def __str__(self) -> str:
            return self.name

    class Customer(models.Model):
        company, number, city, state = (models.CharField(max_length=120) for _ in range(4))
        lock_reasons = models.IntegerField()

        class Meta:
            app_label, db_table, managed = LABEL, "customer", False

        def __str__(self) -> str:
            return self.company

    class License(models.Model):
        customer = models.ForeignKey(Customer, models.DO_NOTHING)
        tariff = models.ForeignKey(Tariff, models.DO_NOTHING)
        alias, user_name, phone, state, sync_state = (models.CharField(max_length=64) for _ in range(5))
        lock_reasons = models.IntegerField()

        class Meta:
            app_label, db_table, managed = LABEL, "license", False

    class LicenseAdmin(admin.ModelAdmin):
        list_display = ["alias", "customer", "tariff", "phone", "state", "sync_state", "lock_reasons"]
        list_select_related = ["customer", "tariff"]
        list_per_page = 25
        search_fields = ["alias", "user_name", "phone"]
        show_full_result_count = False

    class CustomerAdmin(admin.ModelAdmin):
        list_display = ["company", "number", "city", "state", "lock_reasons"]
        list_per_page = 25
        ordering = ["company"]
        search_fields = ["company", "number"]
        show_full_result_count = False

    admin.site.register(License, LicenseAdmin)
    admin.site.register(Customer, CustomerAdmin)
    urls.urlpatterns = [path("admin/", admin.site.urls)]  # type: ignore[attr-defined]


def prepare(name: str, password: str) -> None:
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    User.objects.create_superuser(name, f"{name}@localhost.localdomain", password)


_start()
application = get_wsgi_application()

if __name__ == "__main__":
    prepare(sys.argv[1], sys.argv[2])
