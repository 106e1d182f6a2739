"""The factory that other tests begin with."""

import pytest

from apps.core.scoping import tenant_scope
from apps.routing.models import Release
from tests.factories.routing import make_site

pytestmark = pytest.mark.django_db


def test_make_site__twice__shares_the_platforms_release() -> None:
    first, second = make_site(), make_site("boa-vista")
    for site in (first, second):
        with tenant_scope(site.tenant_id):
            owners = Release.objects.order_by("version").values_list("tenant_id", flat=True)
            assert sorted(owners, key=str) == sorted([None, site.tenant_id], key=str)
