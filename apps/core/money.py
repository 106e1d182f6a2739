"""Money: integer micro-dollars (10^-6 USD); prices are micro-dollars per million tokens."""

TOKENS_PER_PRICE_UNIT = 1_000_000
MICRO_USD_PER_USD = 1_000_000


def cost_rounded_half_up(weighted_tokens: int) -> int:
    """Turn a sum of tokens x price into micro-dollars, rounded half up (what is billed)."""
    return (weighted_tokens + TOKENS_PER_PRICE_UNIT // 2) // TOKENS_PER_PRICE_UNIT


def cost_rounded_up(weighted_tokens: int) -> int:
    """Turn a sum of tokens x price into micro-dollars, rounded up (what is reserved)."""
    return -(-weighted_tokens // TOKENS_PER_PRICE_UNIT)


def format_usd(micro_usd: int) -> str:
    """Return exact decimal dollars, six places: 1234567 -> "1.234567"."""
    sign = "-" if micro_usd < 0 else ""
    whole, fraction = divmod(abs(micro_usd), MICRO_USD_PER_USD)
    return f"{sign}{whole}.{fraction:06d}"
