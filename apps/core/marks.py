"""Marks for those who cannot import Django. Pure."""


def gettext_noop(text: str) -> str:
    """Mark a text for the catalogues of translations; whoever shows it translates it."""
    return text
