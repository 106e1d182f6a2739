"""The DRF door: `complete` runs the whole pipeline, `route` only decides and explains."""

from collections.abc import Mapping
from typing import Any, override

import structlog
from adrf.views import APIView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from apps.core.api import error_body, exception_handler
from apps.core.errors import RouterError
from apps.gateway import pipeline
from apps.gateway.api.answering import with_run_headers
from apps.gateway.api.completion import render_completion
from apps.gateway.api.errors import DEFECT
from apps.gateway.api.limit_headers import tell_limits
from apps.gateway.api.schemas import AnswerSchema, AskSchema, DecisionSchema, ErrorSchema
from apps.gateway.authentication import caller_of, headers_of, tags_of
from apps.gateway.types import Ask
from apps.gateway.wire import router_answer, router_chat
from apps.gateway.wire.fields import read_object

# The stubs want names here, the schema wants OpenAPI's security requirements.
API_KEY: Any = [{"apiKey": []}]
log = structlog.get_logger(__name__)

ERRORS = dict.fromkeys((400, 401, 403, 404, 413, 422, 429, 502, 503), ErrorSchema)


class DataPlaneView(APIView):
    """A DRF view on the lean handler: authenticates by itself, never leaves the event loop."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    @override
    def get_exception_handler(self) -> Any:
        return _told

    @override
    async def async_dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        # As adrf does it, less a thread for `initial`: there is nothing in it that could block.
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        handler = getattr(self, (request.method or "").lower(), None)
        try:
            self.initial(self.request, *args, **kwargs)
            response = await (handler or self.http_method_not_allowed)(self.request)
        except Exception as error:  # noqa: BLE001 - DRF's own border: its handler sorts them
            response = self.handle_exception(error)
        finalized = self.finalize_response(self.request, response, *args, **kwargs)
        rendered: HttpResponseBase = finalized.render()
        return rendered


class CompleteView(DataPlaneView):
    """Ask a model, by the tenant's rules."""

    @extend_schema(
        operation_id="complete",
        request=AskSchema,
        responses={200: AnswerSchema, **ERRORS},
        auth=API_KEY,
        tags=["Requests"],
    )
    async def post(self, request: Any) -> Response:
        """Run the whole pipeline: messages in; answer, decision, cost and cache state out."""
        ask = await read_ask(request._request, "router.complete")
        done = await pipeline.complete(ask)
        return with_run_headers(Response(render_completion(done)), done.run)


class RouteView(DataPlaneView):
    """Try the rules on a request."""

    @extend_schema(
        operation_id="route",
        request=AskSchema,
        responses={200: DecisionSchema, **ERRORS},
        auth=API_KEY,
        tags=["Requests"],
    )
    async def post(self, request: Any) -> Response:
        """Decide and explain; nothing is called, nothing is billed."""
        ask = await read_ask(request._request, "router.route")
        run = await pipeline.route(ask)
        language = request.headers.get("accept-language") or ask.caller.tenant_language
        body = {
            "id": run.request_id,
            "decision_id": run.decision_id,
            **router_answer.render_decision(run.decided(), language),
        }
        return with_run_headers(Response(body), run)


def _told(error: Exception, context: Mapping[str, Any]) -> Response:
    """Render any error: Django's own page of a defect would show its details under DEBUG."""
    response = exception_handler(error, context)
    if isinstance(error, RouterError) and response is not None:
        tell_limits(response, "router", error)
    if response is None:
        log.error("gateway.defect", exc_info=error)
        response = Response(error_body(RouterError(DEFECT)), status=RouterError.http_status)
    return response


async def read_ask(request: HttpRequest, door: str) -> Ask:
    """Authenticate and parse; raises RouterError."""
    caller = await caller_of(request)
    body = router_chat.parse(read_object(request.body))
    return Ask(
        caller=caller,
        chat=body.chat,
        door=door,
        tags=tags_of(request, body.tags),
        headers=headers_of(request),
        prompt_template=body.prompt_template,
        variables=body.variables,
        conversation_id=body.conversation_id,
    )
