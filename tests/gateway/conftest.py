"""Every test is a freshly started process on a published site."""

import pytest

from apps.api_keys.services import CreatedKey
from apps.core.scoping import all_tenants
from apps.tenants.models import Project
from tests.factories.keys import make_key
from tests.factories.process import event_loop_clients, fresh_process
from tests.factories.routing import Site, make_site

__all__ = ["event_loop_clients", "fresh_process"]


@pytest.fixture(autouse=True)
def _alone(fresh_process: None) -> None:
    """See `fresh_process`."""


@pytest.fixture
def site(transactional_db: None) -> Site:
    made = make_site()
    with all_tenants("tests"):
        Project.objects.filter(pk=made.project.pk).update(store_content=True)
    return made


@pytest.fixture
def key(site: Site) -> CreatedKey:
    return make_key(site.project)
