"""`manage.py simulate_providers` as a developer runs it."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import openai
import pytest
from django.utils import translation

from apps.providers.management.commands.simulate_providers import Command
from router_project.local.places import CHECKOUT


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "manage.py", "simulate_providers", "--port", "0", "--secret", "k"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_command__run_by_a_developer__serves_until_interrupted(
    process: subprocess.Popen[str],
) -> None:
    assert process.stdout is not None
    said = [process.stdout.readline() for _line in range(6)]
    base_url = said[1].split()[1]
    assert base_url.endswith("/v1")
    assert "script:tools" in said[4]
    assert "parallel_tools" in said[5]
    with openai.OpenAI(api_key="k", base_url=base_url, max_retries=0) as client:
        assert list(client.models.list())
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


def test_command__help__is_translated() -> None:
    with translation.override("pt-br"):
        told = Command().create_parser("manage.py", "simulate_providers").format_help()
    assert "Serve provedores simulados" in told
    assert "porta em que escutar" in told
