"""The language of a message, found in process; the model is loaded once some rule asks for it.

The model knows far more languages than these; among few it is surer of short texts.
"""

import asyncio
import threading
from collections.abc import Iterable
from importlib import import_module
from typing import Any

LANGUAGES = (
    *("ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he"),
    *("hi", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "nl", "no", "pl", "pt", "ro"),
    *("ru", "sk", "sl", "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "vi", "zh"),
)
# A language is told from a few sentences; more would only cost time (0.1 ms for this many).
READ_CHARACTERS = 1_000
LEAST_CONFIDENCE = 0.5
PACKAGE = "py3langid.langid"


class LanguageDetector:
    """Tells languages apart; its model (some 60 MB in memory) is loaded on first use."""

    def __init__(self) -> None:
        self._model: Any = None
        self._loading = threading.Lock()

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    async def language_of(self, texts: Iterable[str]) -> str:
        """Return the ISO 639-1 code of the first text that is clearly in one; "" when none is."""
        if not self.is_loaded:
            # Half a second of work, which must not hold up the other requests of this worker.
            await asyncio.get_running_loop().run_in_executor(None, self._load)
        found = (self._classify(text) for text in texts)
        return next(filter(None, found), "")

    def _classify(self, text: str) -> str:
        language, confidence = self._model.classify(text[:READ_CHARACTERS])
        return str(language) if confidence >= LEAST_CONFIDENCE else ""

    def _load(self) -> None:
        with self._loading:
            if self._model is not None:
                return
            package: Any = import_module(PACKAGE)
            whole = package.LanguageIdentifier.from_model_file(package.MODEL_FILE)
            whole.set_languages(LANGUAGES)
            # A second one of these languages alone, so that the other tables can go.
            self._model = package.LanguageIdentifier(
                whole.nb_ptc,
                whole.nb_pc,
                whole.nb_classes,
                whole.tk_nextmove,
                whole.tk_output,
                norm_probs=True,
                tk_row=whole.tk_row,
            )


detector = LanguageDetector()
