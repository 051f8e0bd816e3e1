"""Local servers that take alarms as a webhook or as mail, and keep what they got."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """A server for `json://` addresses.

    Attributes:
        port: where it listens on 127.0.0.1.
        status: what it answers.
        got: the paths and contents of what it was sent, refused ones included.
        hangs: until set, nothing is answered.
    """

    port: int = 0
    status: int = 200
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hangs: threading.Event | None = None

    @property
    def address(self) -> str:
        return f"json://me:hunter2@127.0.0.1:{self.port}/hunter3"

    @property
    def texts(self) -> list[str]:
        return [f"{content['title']}\n{content['message']}" for _, content in self.got]


@contextlib.contextmanager
def webhook() -> Iterator[Webhook]:
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.hangs is not None:
                kept.hangs.wait(30)
            kept.got.append((self.path, json.loads(content)))
            self.send_response(kept.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as kept.port:
        yield kept


@contextlib.contextmanager
def mailbox() -> Iterator[tuple[int, list[EmailMessage]]]:
    """A mail server that takes everything: its port, and what it took."""
    mails: list[EmailMessage] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 local\r\n")
            while line := self.rfile.readline():
                word = line[:4].strip().upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = []
                    while (part := self.rfile.readline()) != b".\r\n":
                        lines.append(part)
                    mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port, mails


@contextlib.contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
