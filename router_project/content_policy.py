"""Content security policy by path: strict everywhere, loosened for the admin's own scripts only."""

from typing import override

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csp import ContentSecurityPolicyMiddleware


class ContentPolicyMiddleware(ContentSecurityPolicyMiddleware):
    """Django's middleware with one more policy, for pages under the admin's prefix."""

    @override
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        is_admin = request.path_info.startswith(settings.ADMIN_PATH_PREFIX)
        if is_admin and not hasattr(response, "_csp_config"):
            # The attribute is what Django's own csp_override decorator sets.
            setattr(response, "_csp_config", settings.ADMIN_CSP)  # noqa: B010
        return super().process_response(request, response)
