"""The test suite: fixed secrets that protect nothing, servers of its own."""

from router_project.env import environment
from router_project.local.throwaway import throwaway_site

_site = throwaway_site()

environment.assume(
    SECRET_KEY="only-for-tests-only-for-tests-only-for-tests-only-for-tests",
    API_KEY_PEPPER="only-for-tests-pepper-only-for-tests",
    CREDENTIAL_KEYS="test:b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtISE",
    DATABASE_URL=_site.database_url,
    REDIS_URL=_site.redis_url,
    STATE_DIR=str(_site.data / "state"),
    LOG_FORMAT="console",
)

from router_project.settings.base import *

OUTBOUND_ALLOW_PRIVATE = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests collect no static files.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
REST_FRAMEWORK = REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": {"anon": None, "user": None}}
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
environment.refuse_faults()
