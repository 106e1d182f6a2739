"""`manage.py simulate_providers`: serve every vendor's wire on this machine, for development."""

import asyncio
from typing import Any, override

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from apps.providers.wire_servers.scripts import SCRIPTS
from apps.providers.wire_servers.server import SCRIPT_HEADER, WireServer

HOST = "127.0.0.1"
PORT = 8900
WIRES = (("OpenAI", "openai"), ("Anthropic", "anthropic"), ("Google", "google"))


class Command(BaseCommand):
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.description = _(
            "Serve simulated providers: OpenAI, Anthropic, Gemini and PaLM, with faults on demand."
        )
        parser.add_argument("--host", default=HOST, help=_("address to listen on"))
        parser.add_argument("--port", type=int, default=PORT, help=_("port to listen on"))
        parser.add_argument("--secret", help=_("the only API key to accept; any by default"))
        parser.add_argument(
            "--script",
            default="text",
            choices=sorted(SCRIPTS),
            help=_("what to say to requests that choose no script themselves"),
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        server = WireServer(SCRIPTS[options["script"]], options["secret"])
        try:
            asyncio.run(self._serve(server, options["host"], options["port"]))
        except KeyboardInterrupt:
            self.stdout.write(_("stopped"))

    async def _serve(self, server: WireServer, host: str, port: int) -> None:
        listening = await server.start(host, port)
        self._introduce(server)
        async with listening:
            await listening.serve_forever()

    def _introduce(self, server: WireServer) -> None:
        self.stdout.write(_("Simulated providers listen. Base addresses:"))
        for name, wire in WIRES:
            self.stdout.write(f"  {name:<10} {server.url_of(wire)}")
        self.stdout.write(
            _("A request chooses what it is told by its model, as in %(model)s, or by a header:")
            % {"model": "script:tools"}
        )
        self.stdout.write(f"  {SCRIPT_HEADER}: {', '.join(SCRIPTS)}")
        self.stdout.flush()
