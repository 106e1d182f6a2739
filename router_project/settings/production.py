"""Production: every fault of the environment is listed and stops the start."""

from urllib.parse import urlsplit

from router_project.env import environment

environment.assume(MFA_REQUIRED="true")
environment.require("ALLOWED_HOSTS", "PUBLIC_BASE_URL")

from router_project.settings.base import *

MINIMUM_SECRET_CHARACTERS = 50
MINIMUM_PEPPER_BYTES = 32
MINIMUM_DIFFERENT_CHARACTERS = 12
SUPERUSERS = frozenset({"postgres", "root", "rdsadmin", "cloudsqlsuperuser", "azure_superuser"})


def _is_guessable(secret: str) -> bool:
    lowered = secret.lower()
    return len(set(secret)) < MINIMUM_DIFFERENT_CHARACTERS or any(
        word in lowered for word in ("insecure", "changeme", "change-me", "development", "only-for")
    )


def _check_secrets() -> None:
    if SECRET_KEY and (len(SECRET_KEY) < MINIMUM_SECRET_CHARACTERS or _is_guessable(SECRET_KEY)):
        environment.fault(
            f"SECRET_KEY is unsafe: use {MINIMUM_SECRET_CHARACTERS} or more random characters"
        )
    pepper = API_KEY_PEPPER.decode()
    if pepper and (len(API_KEY_PEPPER) < MINIMUM_PEPPER_BYTES or _is_guessable(pepper)):
        environment.fault(
            f"API_KEY_PEPPER is unsafe: use {MINIMUM_PEPPER_BYTES} or more random characters"
        )
    if SECRET_KEY and pepper == SECRET_KEY:
        environment.fault("API_KEY_PEPPER must differ from SECRET_KEY")
    for key_id, key in CREDENTIAL_KEYS.items():
        if len(set(key)) < MINIMUM_DIFFERENT_CHARACTERS:
            environment.fault(f"CREDENTIAL_KEYS: the key {key_id!r} is not random")


def _check_addresses() -> None:
    if "*" in ALLOWED_HOSTS:
        environment.fault("ALLOWED_HOSTS must name the hosts; '*' lets anyone forge links")
    if environment.is_set("PUBLIC_BASE_URL") and urlsplit(PUBLIC_BASE_URL).scheme != "https":
        environment.fault("PUBLIC_BASE_URL must start with https://")
    if DATABASES["default"]["USER"] in SUPERUSERS:
        environment.fault("DATABASE_URL names a superuser, whom row-level security does not bind")


_check_secrets()
_check_addresses()

DEBUG = False
OUTBOUND_ALLOW_PRIVATE = environment.boolean("OUTBOUND_ALLOW_PRIVATE", default=False)

# The proxy in front ends TLS and says so in a header that it always sets itself.
if environment.boolean("TRUST_PROXY_HEADERS", default=True):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
# Probes come from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

environment.refuse_faults()
