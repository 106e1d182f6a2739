"""One machine, one developer: errors in full, no second factor, private addresses allowed."""

from router_project.env import environment

environment.assume(LOG_FORMAT="console")

from router_project.settings.base import *

DEBUG = True
OUTBOUND_ALLOW_PRIVATE = True
environment.refuse_faults()
