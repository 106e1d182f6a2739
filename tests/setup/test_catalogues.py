"""Strings are found in Python and templates, and a catalogue that lacks one is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import polib
import pytest
from django.template import Context, Template
from django.utils import translation

from router_project.catalogues.check import faults
from router_project.catalogues.extract import ExtractionFault, from_python, from_template
from router_project.catalogues.layout import Layout
from router_project.catalogues.packages import untranslated
from router_project.catalogues.update import update

MODULE = """
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

A = _("Publish")
B = _(
    "Two "
    "parts"
)
C = ngettext("%(count)s rule", "%(count)s rules", 3)
D = pgettext_lazy("a month", "May")
E = translation.gettext("By module")
F = _(some_variable)
G = unrelated("Not ours")
"""
TEMPLATE = """{% load i18n %}
<a title="{% translate "Open" %}">{% trans 'Close' context "a door" %}</a>
{% blocktranslate count n=rules|length trimmed %}
  One rule
{% plural %}
  {{ n }} rules
{% endblocktranslate %}
{{ _("Filtered")|upper }} {# _("A comment") #}
"""


def test_python__every_way_to_translate__is_found() -> None:
    found = [(m.context, m.singular, m.plural) for m in from_python(MODULE, "module.py")]
    assert sorted(found, key=str) == sorted(
        [
            (None, "Publish", None),
            (None, "Two parts", None),
            (None, "%(count)s rule", "%(count)s rules"),
            ("a month", "May", None),
            (None, "By module", None),
        ],
        key=str,
    )


def test_template__every_way_to_translate__is_found() -> None:
    found = [(m.context, m.singular, m.plural) for m in from_template(TEMPLATE, "page.html")]
    assert found == [
        (None, "Open", None),
        ("a door", "Close", None),
        (None, "One rule", "%(n)s rules"),
        (None, "Filtered", None),
    ]


def test_template__a_text_with_escaped_quotes__is_found_whole() -> None:
    source = r'{% load i18n %}{% translate "Choose \"Open\" here" %}'
    (found,) = from_template(source, "page.html")
    with translation.override("en"):
        shown = Template(source).render(Context())
    assert found.singular == shown == 'Choose "Open" here'


def test_template__a_text_with_both_kinds_of_quotes__is_refused() -> None:
    with pytest.raises(ExtractionFault, match=r"page\.html: .* needs blocktranslate"):
        list(from_template('{% translate "It\'s \\"open\\"" %}', "page.html"))


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ('_(f"Hello {name}")', "an f-string cannot be translated"),
        ('_("Hello %s" % name)', "translate first"),
        ('_("Hello " + name)', "translate first"),
    ],
)
def test_python__a_text_that_is_made_up__is_refused_with_its_line(call: str, reason: str) -> None:
    source = f"from django.utils.translation import gettext as _\n\nX = {call}\n"
    with pytest.raises(ExtractionFault, match=rf"page\.py:3: {reason}"):
        list(from_python(source, "page.py"))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A small project with complete catalogues."""
    (tmp_path / "apps" / "rules" / "templates").mkdir(parents=True)
    (tmp_path / "apps" / "rules" / "models.py").write_text(
        "from django.utils.translation import gettext as _, ngettext\n"
        'A = _("Publish %(name)s")\nB = ngettext("%(n)s rule", "%(n)s rules", 2)\n'
    )
    (tmp_path / "apps" / "rules" / "templates" / "a.html").write_text(
        '{% load i18n %}{% translate "Open" %}'
    )
    made = Layout(tmp_path, ("apps",), ())
    update(made)
    _edit(made, _translate_all)
    return made


def test_check__complete_catalogues__finds_nothing(layout: Layout) -> None:
    assert faults(layout) == []


def test_update__nothing_new__writes_the_same_bytes(layout: Layout) -> None:
    files = [layout.po_file("pt_BR"), layout.mo_file("pt_BR"), layout.po_file("en")]
    before = [path.read_bytes() for path in files]
    update(layout)
    assert [path.read_bytes() for path in files] == before


def test_check__a_new_string__is_missing(layout: Layout) -> None:
    path = layout.base / "apps" / "rules" / "models.py"
    path.write_text(path.read_text() + 'C = _("Roll back")\n')
    missing = '"Roll back" of apps/rules/models.py is missing; run `make messages`'
    assert faults(layout) == [
        f"locale/{locale}/LC_MESSAGES/django.po: {missing}" for locale in ("en", "pt_BR")
    ]
    update(layout)
    assert any('"Roll back" is not translated' in fault for fault in faults(layout))


def test_check__a_string_that_is_gone__is_told(layout: Layout) -> None:
    (layout.base / "apps" / "rules" / "templates" / "a.html").write_text("")
    assert any('"Open" is no longer used' in fault for fault in faults(layout))
    update(layout)
    assert faults(layout) == []
    # Its translation waits for its return.
    (layout.base / "apps" / "rules" / "templates" / "a.html").write_text(
        '{% load i18n %}{% translate "Open" %}'
    )
    update(layout)
    assert faults(layout) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda entry: setattr(entry, "msgstr", ""), '"Open" is not translated'),
        (lambda entry: entry.flags.append("fuzzy"), '"Open" is marked as doubtful (fuzzy)'),
        (
            lambda entry: setattr(entry, "msgstr", "Abrir %(name)s"),
            '"Open" has other placeholders in its translation: "Abrir %(name)s"',
        ),
    ],
)
def test_check__a_bad_translation__is_told(
    layout: Layout, change: Callable[[polib.POEntry], None], fault: str
) -> None:
    _edit(layout, lambda catalogue: change(_find(catalogue, "Open")))
    assert f"locale/pt_BR/LC_MESSAGES/django.po: {fault}" in faults(layout)


def test_check__an_empty_plural__is_not_translated(layout: Layout) -> None:
    _edit(layout, lambda catalogue: _find(catalogue, "%(n)s rule").msgstr_plural.update({1: ""}))
    assert any('"%(n)s rule" is not translated' in fault for fault in faults(layout))


def test_check__a_compiled_catalogue_that_is_older__is_told(layout: Layout) -> None:
    catalogue = polib.pofile(str(layout.po_file("pt_BR")))
    _find(catalogue, "Open").msgstr = "Abra"
    catalogue.save()
    expected = "locale/pt_BR/LC_MESSAGES/django.mo is older than its source; run `make messages`"
    assert faults(layout) == [expected]
    layout.mo_file("pt_BR").unlink()
    assert faults(layout) == [expected]


def test_check__no_catalogue_at_all__names_every_string(layout: Layout) -> None:
    shutil.rmtree(layout.base / "locale")
    assert sum("is missing" in fault for fault in faults(layout)) == 6


def test_packages__the_admin_shell__brings_no_portuguese_of_its_own() -> None:
    found = {singular for _context, singular in untranslated(("unfold",), "pt_BR")}
    # Its own words are for us to translate, Django's are not, and optional parts are not shown.
    assert "Apply Filters" in found
    assert "Delete" not in found
    assert not any("hijack" in singular.lower() for singular in found)


def _translate_all(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        entry.msgstr = f"{entry.msgid} (pt)" if not entry.msgid_plural else ""
        entry.msgstr_plural = {0: "uma regra", 1: "%(n)s regras"} if entry.msgid_plural else {}


def _find(catalogue: polib.POFile, singular: str) -> polib.POEntry:
    entry = catalogue.find(singular)
    assert entry is not None
    return entry


def _edit(layout: Layout, change: Callable[[polib.POFile], object]) -> None:
    catalogue = polib.pofile(str(layout.po_file("pt_BR")))
    change(catalogue)
    catalogue.save()
    catalogue.save_as_mofile(str(layout.mo_file("pt_BR")))
