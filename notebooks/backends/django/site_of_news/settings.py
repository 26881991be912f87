"""Settings, read from the environment: PORT, GRIP_URL, DATABASE_URL or DATA_FOLDER, STORAGE, SECRET_KEY."""

import os
import secrets
import tempfile
from pathlib import Path

SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_hex()
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "site_of_news.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_eventstream", "news"]
MIDDLEWARE = [
    "django_grip.GripMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
USE_TZ = True

GRIP_URL = os.environ.get("GRIP_URL", "")
EVENTSTREAM_CHANNELMANAGER_CLASS = "news.channels.ChannelManager"
if os.environ.get("STORAGE", "on") == "on":
    EVENTSTREAM_STORAGE_CLASS = "django_eventstream.storage.DjangoModelStorage"

if url := os.environ.get("DATABASE_URL"):
    from psycopg.conninfo import conninfo_to_dict

    known = conninfo_to_dict(url)
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": known["dbname"],
            "USER": known.get("user", ""),
            "PASSWORD": known.get("password", ""),
            "HOST": known.get("host", ""),
            "PORT": known.get("port", ""),
        }
    }
else:
    folder = Path(os.environ.get("DATA_FOLDER") or tempfile.gettempdir())
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "news.sqlite3"}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"django.server": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}
