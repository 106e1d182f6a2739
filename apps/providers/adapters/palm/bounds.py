"""Bounds for a synchronous client: how large an answer may be, and how long all of it may take."""

from collections.abc import Iterator
from typing import Any, override

from requests import PreparedRequest, ReadTimeout, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ContentDecodingError

from apps.core.clock import monotonic_seconds
from apps.providers.adapters.transport import MAX_ANSWER_BYTES

PIECE_BYTES = 64 * 1024


class BoundedTransport(HTTPAdapter):
    """Reads the whole answer itself: the library's own limit is for each read alone."""

    @override
    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
        seconds = options.get("timeout")
        options["stream"] = True
        begun = monotonic_seconds()
        response = super().send(request, *arguments, **options)
        end = begun + seconds if isinstance(seconds, int | float) else float("inf")
        try:
            response._content = b"".join(_pieces(response, end))
        finally:
            response.close()
        return response


def _pieces(response: Response, end: float) -> Iterator[bytes]:
    size = 0
    while piece := response.raw.read1(PIECE_BYTES, decode_content=True):
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise ContentDecodingError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        if monotonic_seconds() > end:
            raise ReadTimeout("the answer did not end in time")
        yield piece
