"""PostgreSQL: who connects, and the role that serves."""

from router_project.addresses import database_settings
from router_project.env import environment

# The connecting user owns the tables and migrates; this role serves, and owns nothing.
RUNTIME_ROLE = "llm_router_runtime"

DATABASE_URL = environment.url("DATABASE_URL", schemes=frozenset({"postgres", "postgresql"}))
DATABASE_POOL_SIZE = environment.integer("DATABASE_POOL_SIZE", 0)

_default = database_settings(DATABASE_URL)
_default["CONN_HEALTH_CHECKS"] = True
_default["OPTIONS"] |= {"assume_role": RUNTIME_ROLE}
_default["OPTIONS"].setdefault("connect_timeout", "5")
if DATABASE_POOL_SIZE:
    _default["OPTIONS"]["pool"] = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 5}
else:
    _default["CONN_MAX_AGE"] = 60
if _test_name := environment.text("TEST_DATABASE_NAME", ""):
    _default["TEST"] = {"NAME": _test_name}

DATABASES = {"default": _default}
