"""The language of a message: told when it is clear, offline, and loaded only when asked for."""

import asyncio
import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

from apps.gateway import language
from apps.gateway.language import LANGUAGES, READ_CHARACTERS, LanguageDetector, detector


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("What is our refund policy for orders placed last month?", "en"),
        ("Qual é a nossa política de reembolso para pedidos do mês passado?", "pt"),
        ("Quero cancelar meu pedido", "pt"),
        ("¿Cómo restablezco mi contraseña?", "es"),
        ("Comment réinitialiser mon mot de passe ?", "fr"),
        ("Wie setze ich mein Passwort zurück?", "de"),
        ("Voglio annullare il mio ordine", "it"),
        ("パスワードを忘れました", "ja"),
        ("我忘记了密码", "zh"),
        ("Я забыл пароль", "ru"),
        ("نسيت كلمة المرور", "ar"),
    ],
)
async def test_message__in_a_clear_language__is_told(text: str, code: str) -> None:
    assert await detector.language_of([text]) == code


@pytest.mark.parametrize(
    "text", ["", "12345", "{}", "SELECT * FROM users WHERE id = 7;", "ok", "\ud800", "aaaa bbbb"]
)
async def test_message__of_no_clear_language__is_not_guessed(text: str) -> None:
    assert await detector.language_of([text]) == ""


async def test_texts__the_first_one_too_short__are_told_by_the_next() -> None:
    assert await detector.language_of(["ok", "Quero cancelar meu pedido"]) == "pt"
    assert await detector.language_of([]) == ""


async def test_long_message__is_told_by_its_beginning() -> None:
    text = "Quero cancelar meu pedido. " * 40
    assert len(text) > READ_CHARACTERS
    foreign = "What is our refund policy? " * 200
    assert await detector.language_of([text + foreign]) == "pt"


async def test_model__asked_for_by_many_at_once__is_loaded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh = LanguageDetector()
    loads: list[str] = []

    def load(name: str) -> ModuleType:
        loads.append(name)
        return import_module(name)

    monkeypatch.setattr(language, "import_module", load)
    told = await asyncio.gather(*(fresh.language_of(["Guten Abend allerseits"]) for _ in range(5)))
    assert set(told) == {"de"}
    assert loads == ["py3langid.langid"]


def test_languages__of_the_detector__are_codes_of_two_letters() -> None:
    assert {"en", "pt", "es"} < set(LANGUAGES)
    assert all(len(code) == 2 for code in LANGUAGES)


def test_process__that_imports_the_detector__has_not_loaded_its_package() -> None:
    code = "import sys, apps.gateway.language; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
