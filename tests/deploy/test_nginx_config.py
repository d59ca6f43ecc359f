"""The nginx configuration is valid for every setting, and a setting that could break out of it is refused."""

import base64
import hashlib
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest
import streamlit

from tools.serving import end, free_port
from tools.site import rendered

TWO = "127.0.0.1:9001 127.0.0.1:9002"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"BASE": "/headlight"},
        {"BASE": "a/b/", "LISTEN": "127.0.0.1:9000", "FILE_MB": "1"},
        {"FRAME_ANCESTORS": "'self' https://course.example.edu https://*.example.org:8443"},
        {"COOKIE_ATTRIBUTES": "SameSite=None; Partitioned"},
        {"CONNECTIONS": "50"},
        {"TRUSTED_PROXIES": "10.0.0.0/8 127.0.0.1", "CONNECTIONS": "50"},
    ],
)
def test_nginx_takes_it(nginx_path: str, tmp_path: Path, settings: dict[str, str]):
    text = rendered(REPLICAS=TWO, FOLDER=str(tmp_path), ERROR_LOG=str(tmp_path / "e"), **settings)
    assert "@" not in re.sub(r"#.*", "", text)
    (tmp_path / "nginx.conf").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [nginx_path, "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for name, value in settings.items():
        assert all(part in text for part in (value.split() if name == "TRUSTED_PROXIES" else [value.strip("/")]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "REPLICAS is empty"),
        ({"REPLICAS": "a:1; } http {"}, "only COOKIE_ATTRIBUTES may have a semicolon"),
        ({"REPLICAS": TWO, "BASE": "/x { return 200; }"}, "semicolon"),
        ({"REPLICAS": TWO, "BASE": "/x {"}, "BASE has a character"),
        ({"REPLICAS": TWO, "FRAME_ANCESTORS": '*" always'}, "FRAME_ANCESTORS has a character"),
        ({"REPLICAS": TWO, "COOKIE_ATTRIBUTES": "a|b"}, "COOKIE_ATTRIBUTES has a character"),
        ({"REPLICAS": TWO, "FOLDER": "/tmp\n/x"}, "FOLDER has a character"),
        ({"REPLICAS": TWO, "LISTEN": "$host"}, "LISTEN has a character"),
        ({"REPLICAS": TWO, "CONNECTIONS": "5; deny all"}, "CONNECTIONS is 5; deny all; it must be a whole number"),
        ({"REPLICAS": TWO, "TRUSTED_PROXIES": "10.0.0.1;"}, "only COOKIE_ATTRIBUTES may have a semicolon"),
        ({"REPLICAS": TWO, "FILE_MB": "64m"}, "FILE_MB is 64m; it must be a whole number"),
    ],
)
def test_what_could_break_out_is_refused(settings: dict[str, str], message: str):
    with pytest.raises(ValueError, match=message) as error:
        rendered(**settings)
    assert str(error.value).startswith("2: render.sh: ")


def test_the_policy_allows_streamlits_one_inline_script_and_no_other():
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline]
    assert re.findall(r"'sha256-([^']+)'", rendered(REPLICAS=TWO)) == hashes
    assert len(hashes) == 1


def test_one_address_has_its_share_of_connections_and_trusted_proxies_pass_theirs_on(nginx_path: str, tmp_path: Path):
    front, back = free_port(), socket.create_server(("127.0.0.1", 0))
    back.settimeout(30)
    text = rendered(
        REPLICAS=f"127.0.0.1:{back.getsockname()[1]}", LISTEN=f"127.0.0.1:{front}", FOLDER=str(tmp_path),
        CONNECTIONS="2", TRUSTED_PROXIES="127.0.0.1", ACCESS_LOG=str(tmp_path / "a"), ERROR_LOG=str(tmp_path / "e"),
    )  # fmt: skip
    (tmp_path / "nginx.conf").write_text(text, encoding="utf-8")
    proxy = subprocess.Popen([nginx_path, "-c", str(tmp_path / "nginx.conf"), "-g", "daemon off;"])
    waiting: list[socket.socket] = []

    def ask(address: str) -> socket.socket:
        until = time.monotonic() + 30
        while True:
            try:
                one = socket.create_connection(("127.0.0.1", front), timeout=30)
                break
            except ConnectionRefusedError:  # nginx is on its way
                assert time.monotonic() < until
                time.sleep(0.05)
        waiting.append(one)
        one.sendall(f"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\r\n".encode())
        return one

    try:
        for _ in range(2):
            ask("10.0.0.1")
            waiting.append(back.accept()[0])  # it has come through, and gets no answer
        assert ask("10.0.0.1").recv(100).startswith(b"HTTP/1.1 429 ")
        ask("10.0.0.2")
        waiting.append(back.accept()[0])
    finally:
        for one in (*waiting, back):
            one.close()
        end(proxy)
