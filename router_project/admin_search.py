"""The search of the admin's menu: pages by name, and rows of what people set up.

Unlike unfold's own it keeps no answers, for they depend on the tenant, the role and the language,
and it never reads the log, the books or the trail, which have lists with filters.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.dataclasses import SearchResult

ROWS_PER_MODEL = 5
SEARCHED = frozenset(
    {
        *("routing.ruleset", "routing.rule", "routing.modelalias", "prompts.prompttemplate"),
        *("providers.provider", "providers.llmmodel", "providers.deployment"),
        *("providers.credential", "tenants.tenant", "tenants.project", "api_keys.apikey"),
        *("accounts.user", "accounts.membership"),
    }
)


def find(site: AdminSite, request: HttpRequest, term: str) -> list[SearchResult]:
    """Return the pages, then the rows, that the person may open and that match."""
    found = list(_models(site, request))
    pages = [
        SearchResult(str(model["name"]), str(app["name"]), model["admin_url"], "tag")
        for app, model in found
        if term in f"{model['name']} {app['name']}".lower()
    ]
    rows = [row for _app, model in found for row in _rows(site, request, model, term)]
    return [*pages, *rows]


def _models(site: AdminSite, request: HttpRequest) -> Iterator[tuple[Any, Any]]:
    for app in site.get_app_list(request):
        for model in app["models"]:
            if model["admin_url"]:
                yield app, model


def _rows(
    site: AdminSite, request: HttpRequest, entry: dict[str, Any], term: str
) -> Iterator[SearchResult]:
    model = entry["model"]
    if model._meta.label_lower not in SEARCHED:
        return
    page = site._registry[model]
    rows, _has_duplicates = page.get_search_results(request, page.get_queryset(request), term)
    description = capfirst(str(model._meta.verbose_name))
    for row in rows.distinct()[:ROWS_PER_MODEL]:
        link = f"{entry['admin_url']}{row.pk}/change/"
        yield SearchResult(str(row), description, link, "data_object")
