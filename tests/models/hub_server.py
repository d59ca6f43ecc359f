"""A hub on the loopback: what its client asks for when it looks at, and fetches, a model."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

COMMIT = "5f" * 20


@dataclass
class Hub:
    """Models by id, each a folder; `requests` lists "METHOD path" as they came.

    break_after: bytes of an answer's body, then the connection closes. hold_after: bytes, then nothing more comes until
    `door` is set. closed: ids whose files are gated, while their description is open. renamed: ids that lead on to
    others, with the status `moved`. tokens: what must be shown to see a model. ranges: whether parts of files can be
    had. bodies: (path, the Range asked for or "", bytes sent) of each GET that is over.
    """

    folders: dict[str, Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    failing: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    url: str = ""
    break_after: int | None = None
    hold_after: int | None = None
    door: threading.Event = field(default_factory=threading.Event)
    holding: threading.Event = field(default_factory=threading.Event)
    closed: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    moved: int = 307
    tokens: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    bodies: list[tuple[str, str, int]] = field(default_factory=list)

    def start(self) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def weights_sent(self) -> list[tuple[str, int]]:
        """(Range, bytes) of each answer with weights, without the looks at their header."""
        found = [body for body in self.bodies if body[0].endswith(".safetensors")]
        return [(asked, sent) for _, asked, sent in found if not asked.startswith("bytes=0-")]

    def asked_for(self, part: str) -> list[str]:
        return [request for request in self.requests if part in request]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return None

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = unquote(self.path.split("?")[0])
        self.hub.requests.append(f"{self.command} {path}")
        api = path.startswith("/api/models/")
        rest = path.removeprefix("/api/models/").removeprefix("/")
        owner, name, *tail = [*rest.split("/"), "", ""]
        model = f"{owner}/{name}"
        revision = tail[1] if tail[:1] in (["revision"], ["resolve"]) else "main"
        if model in self.hub.renamed:
            to = self.path.replace(model, self.hub.renamed[model], 1)
            self._send(self.hub.moved, b"", {"Location": to}, body)
        elif model in self.hub.failing:
            self._send(self.hub.failing[model], b"{}", {}, body)
        elif model in self.hub.tokens and self.headers.get("Authorization") != f"Bearer {self.hub.tokens[model]}":
            self._refuse(401, "RepoNotFound", body)
        elif model in self.hub.gated:
            self._refuse(403, "GatedRepo", body)
        elif model not in self.hub.folders:
            self._refuse(404, "RepoNotFound", body)
        elif revision not in ("main", COMMIT):
            self._refuse(404, "RevisionNotFound", body)
        elif model in self.hub.closed and not api:
            self._refuse(401, "GatedRepo", body)
        elif api:
            self._send(200, self._info(model), {"Content-Type": "application/json"}, body)
        else:
            self._file(self.hub.folders[model] / "/".join(part for part in tail[2:] if part), body)

    def _info(self, model: str) -> bytes:
        files = sorted(path for path in self.hub.folders[model].rglob("*") if path.is_file())
        siblings = [
            {"rfilename": path.relative_to(self.hub.folders[model]).as_posix(), "size": path.stat().st_size}
            for path in files
        ]
        info = {"id": model, "modelId": model, "sha": COMMIT, "siblings": siblings, "tags": ["license:mit"]}
        return json.dumps(info).encode()

    def _file(self, path: Path, body: bool) -> None:
        if not path.is_file():
            return self._refuse(404, "EntryNotFound", body)
        content = path.read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        asked = self.headers.get("Range")
        if asked is None or not self.hub.ranges:
            return self._send(200, content, headers, body)
        first, last = asked.removeprefix("bytes=").split("-")
        stop = min(int(last) + 1, len(content)) if last else len(content)
        headers["Content-Range"] = f"bytes {first}-{stop - 1}/{len(content)}"
        return self._send(206, content[int(first) : stop], headers, body)

    def _refuse(self, status: int, code: str, body: bool) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Repo-Commit": COMMIT}, body)

    def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self._body(content)

    def _body(self, content: bytes) -> None:
        sent, hub = 0, self.hub
        try:
            if hub.break_after is not None and len(content) > hub.break_after:
                content = content[: hub.break_after]
                self.close_connection = True
            first = len(content) if hub.hold_after is None else hub.hold_after
            sent += self.wfile.write(content[:first])
            if content[first:]:
                hub.holding.set()
                hub.door.wait(60)
                sent += self.wfile.write(content[first:])
        except OSError:  # who asked is gone
            self.close_connection = True
        path = unquote(self.path.split("?")[0])
        hub.bodies.append((path, self.headers.get("Range") or "", sent))
