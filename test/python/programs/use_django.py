"""Applies migrations to a database, fills it, and serves a page by the test client."""
import os
import sys

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(sys.argv[1], "site.sqlite")}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "site_project"],
    ROOT_URLCONF="site_project.urls",
    ALLOWED_HOSTS=["testserver"],
    SECRET_KEY="for a test",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
from site_project.models import Town

for name in ["Bb", "Aa"]:
    Town.objects.create(name=name)
print(Client().get("/").content.decode())
call_command("migrate", "site_project", "zero", verbosity=0)
call_command("check")
