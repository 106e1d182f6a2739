"""Where the catalogues and the strings are."""

from dataclasses import dataclass
from pathlib import Path

BASE = Path(__file__).resolve().parents[2]
SOURCES = ("apps", "router_project", "templates")
# The language of the strings themselves: its catalogue lists them and needs no translations.
SOURCE_LOCALE = "en"
PLURAL_FORMS = {
    "en": "nplurals=2; plural=(n != 1);",
    # The same rule as in Django's own catalogue.
    "pt_BR": "nplurals=2; plural=(n > 1);",
}
LOCALES = tuple(PLURAL_FORMS)
# Packages whose strings people see in our pages and that bring no catalogue of their own.
PACKAGES = ("unfold",)


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of a checkout (tests use one of their own)."""

    base: Path = BASE
    sources: tuple[str, ...] = SOURCES
    packages: tuple[str, ...] = PACKAGES

    @property
    def roots(self) -> list[Path]:
        return [self.base / name for name in self.sources if (self.base / name).is_dir()]

    def po_file(self, locale: str) -> Path:
        return self.base / "locale" / locale / "LC_MESSAGES" / "django.po"

    def mo_file(self, locale: str) -> Path:
        return self.po_file(locale).with_suffix(".mo")
