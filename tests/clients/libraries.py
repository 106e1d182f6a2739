"""The client libraries that judge the router, and the environments that each of them runs in."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
CHECKOUT = FOLDER.parent.parent
JUDGES = FOLDER / "judges"
INSTALL_SECONDS = 600
JUDGE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Library:
    """A library of one major version: `name` is its folder of requirements, if it has one.

    Without a folder it runs on the project's own packages.
    """

    name: str
    judge: str

    @property
    def requirements(self) -> Path:
        return FOLDER / self.name

    @property
    def has_own_packages(self) -> bool:
        return self.requirements.is_dir()

    @property
    def is_node(self) -> bool:
        return self.judge.endswith(".mjs")


# The newest of the project's own packages first: they are tried in `make test`.
LIBRARIES = (
    Library("openai-3", "openai_python.py"),
    Library("anthropic-2", "anthropic_python.py"),
    Library("openai-2", "openai_python.py"),
    Library("anthropic-1", "anthropic_python.py"),
    Library("anthropic-0", "anthropic_python.py"),
    Library("google-genai-3", "google_genai_python.py"),
    Library("google-genai-2", "google_genai_python.py"),
    Library("google-genai-1", "google_genai_python.py"),
    Library("openai-node-7", "openai_node.mjs"),
    Library("openai-node-6", "openai_node.mjs"),
    Library("anthropic-node-1", "anthropic_node.mjs"),
    Library("anthropic-node-0", "anthropic_node.mjs"),
    Library("genai-node-3", "genai_node.mjs"),
    Library("genai-node-2", "genai_node.mjs"),
    Library("genai-node-1", "genai_node.mjs"),
    Library("ai-7", "vercel_ai.mjs"),
    Library("ai-6", "vercel_ai.mjs"),
    Library("langchain-1", "langchain_python.py"),
    Library("llama-index-0", "llama_index_python.py"),
    Library("pydantic-ai-2", "pydantic_ai_python.py"),
)


def judge(library: Library, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the library's judge to its end, on its own packages; raises CalledProcessError."""
    command = _node(library) if library.is_node else _python(library)
    return subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=JUDGE_SECONDS,
        check=True,
    )


def _python(library: Library) -> Sequence[str]:
    program = str(JUDGES / library.judge)
    if not library.has_own_packages:
        return [sys.executable, program]
    place = _place(library)
    interpreter = place / "bin" / "python"
    locked = library.requirements / "requirements.txt"
    if not _is_installed(place, locked):
        _run(sys.executable, "-m", "venv", "--clear", str(place))
        options = ["--quiet", "--no-deps", "--require-hashes", "--disable-pip-version-check"]
        _run(str(interpreter), "-m", "pip", "install", *options, "-r", str(locked))
        _note_installed(place, locked)
    return [str(interpreter), program]


def _node(library: Library) -> Sequence[str]:
    """Node finds packages beside the program: the judges are copied to where these are."""
    place = _place(library)
    locked = library.requirements / "package-lock.json"
    if not _is_installed(place, locked):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(library.requirements / name, place)
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(place))
        _note_installed(place, locked)
    for program in JUDGES.glob("*.mjs"):
        shutil.copy(program, place)
    return ["node", str(place / library.judge)]


def _place(library: Library) -> Path:
    return CHECKOUT / "var" / "clients" / library.name


def _is_installed(place: Path, locked: Path) -> bool:
    note = place / "installed"
    return note.is_file() and note.read_text() == _digest(locked)


def _note_installed(place: Path, locked: Path) -> None:
    (place / "installed").write_text(_digest(locked))


def _digest(locked: Path) -> str:
    return hashlib.sha256(locked.read_bytes() + sys.version.encode()).hexdigest()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=INSTALL_SECONDS, capture_output=True)
