"""What the limits refuse beyond the common vocabulary."""

from collections.abc import Mapping

from apps.core.errors import ServiceUnavailable


class TokensShort(ServiceUnavailable):
    """No provider has the tokens now: the first has them in `wait_ms`; `levels` by deployment."""

    def __init__(self, wait_ms: int, levels: Mapping[str, int]) -> None:
        super().__init__(
            "every deployment that could answer has used up its provider's tokens per minute",
            retry_after_seconds=max(1, -(-wait_ms // 1000)),
        )
        self.wait_ms = wait_ms
        self.levels = levels
