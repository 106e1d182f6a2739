"""Redis: the hot path's own client, and Django's cache for sessions, login limits and throttles."""

from router_project.env import environment

REDIS_URL = environment.url("REDIS_URL", schemes=frozenset({"redis", "rediss", "unix"}))

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "django",
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "SOCKET_CONNECT_TIMEOUT": 2,
            "SOCKET_TIMEOUT": 2,
            # No pickle: a writer to Redis must not be able to run code here.
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        },
    }
}

# Sessions survive an emptied Redis because the data base keeps them too.
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
