"""Settings that every environment shares; the other modules here only tighten or loosen them."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from router_project.env import environment
from router_project.settings.parts.cache import *
from router_project.settings.parts.celery import *
from router_project.settings.parts.database import *
from router_project.settings.parts.logging import *
from router_project.settings.parts.mail import *
from router_project.settings.parts.people import *
from router_project.settings.parts.rest import *
from router_project.settings.parts.security import *
from router_project.settings.parts.shell import *

BASE_DIR = Path(__file__).resolve().parents[2]
# What one process keeps on disk: usage journals and the last good snapshot.
STATE_DIR = Path(environment.text("STATE_DIR", str(BASE_DIR / "var")))
JOURNAL_DIR = STATE_DIR / "journal"
SNAPSHOT_DIR = STATE_DIR / "snapshots"
# Processes that serve requests: each grants its share of a rate limit while Redis is away.
WEB_WORKERS = environment.integer("WEB_WORKERS", 2, minimum=1)

# The largest body of a request: long contexts with images inside.
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024

DEBUG = False
SECRET_KEY = environment.secret("SECRET_KEY")
API_KEY_PEPPER: bytes = environment.secret("API_KEY_PEPPER").encode()
CREDENTIAL_KEYS: dict[str, bytes] = environment.encryption_keys("CREDENTIAL_KEYS")
ALLOWED_HOSTS = environment.items("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
# Request headers that rules may read, beside those that the product names itself.
ROUTABLE_HEADERS = environment.items("ROUTABLE_HEADERS")
PUBLIC_BASE_URL = environment.text("PUBLIC_BASE_URL", "http://localhost:8000").rstrip("/")

INSTALLED_APPS = [
    "router_project.apps.ProjectConfig",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "router_project.apps.RouterAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "apps.core",
    "apps.audit",
    "apps.tenants",
    "apps.accounts",
    "apps.providers",
    "apps.prompts",
    "apps.usage",
    "apps.api_keys",
    "apps.routing",
    "apps.conversations",
    "apps.gateway",
    "apps.jobs",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "router_project.content_policy.ContentPolicyMiddleware",
    "apps.accounts.middleware.UserLanguageMiddleware",
    "apps.accounts.middleware.SecondFactorMiddleware",
    # Innermost: the views of a signed-in person run inside its transaction.
    "apps.accounts.middleware.ScopeMiddleware",
]

ROOT_URLCONF = "router_project.urls"
ASGI_APPLICATION = "router_project.asgi.application"
WSGI_APPLICATION = "router_project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("pt-br", _("Brazilian Portuguese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = ["router_project.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
# The image collects the files while it is built and serves them from there.
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

MEDIA_ROOT = ""
