"""Every test is a worker process of its own, on a published site whose project stores content."""

from collections.abc import Iterator

import pytest

from apps.api_keys.services import CreatedKey
from apps.core.scoping import all_tenants
from apps.gateway.worker_loop import stop_loop
from apps.tenants.models import Project
from tests.factories.keys import make_key
from tests.factories.process import event_loop_clients, fresh_process
from tests.factories.routing import make_site

__all__ = ["event_loop_clients", "fresh_process"]


@pytest.fixture(autouse=True)
def _alone(fresh_process: None) -> Iterator[None]:
    yield
    stop_loop()


@pytest.fixture
def project(transactional_db: None) -> Project:
    project = make_site().project
    with all_tenants("tests"):
        Project.objects.filter(pk=project.pk).update(store_content=True)
    project.store_content = True
    return project


@pytest.fixture
def key(project: Project) -> CreatedKey:
    return make_key(project)
