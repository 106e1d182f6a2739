"""The test suite: fixed secrets that protect nothing, servers of its own."""

from router_project.env import environment

environment.assume(
    SECRET_KEY="only-for-tests-only-for-tests-only-for-tests-only-for-tests",
    API_KEY_PEPPER="only-for-tests-pepper-only-for-tests",
    CREDENTIAL_KEYS="test:b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtISE",
    DATABASE_URL="postgresql://llm_router@/llm_router?host=/nonexistent",
    REDIS_URL="unix:///nonexistent/valkey.sock?db=0",
    LOG_FORMAT="console",
)

from router_project.settings.base import *

OUTBOUND_ALLOW_PRIVATE = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": {"anon": None, "user": None}}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
environment.refuse_faults()
