"""How hypothesis searches: in CI the same cases every time, elsewhere new ones."""

import os

from hypothesis import settings

settings.register_profile("new cases", deadline=None)
settings.register_profile("same cases", deadline=None, derandomize=True, database=None)
settings.load_profile("same cases" if os.environ.get("CI") else "new cases")
