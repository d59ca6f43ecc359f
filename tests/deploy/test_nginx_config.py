"""The nginx configuration is valid for every setting, and a setting that could break out of it is refused."""

import base64
import hashlib
import re
import subprocess
from pathlib import Path

import pytest
import streamlit

from tests.deploy.conftest import rendered

TWO = "127.0.0.1:9001 127.0.0.1:9002"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"BASE": "/headlight"},
        {"BASE": "a/b/", "LISTEN": "127.0.0.1:9000", "FILE_MB": "1"},
        {"FRAME_ANCESTORS": "'self' https://course.example.edu https://*.example.org:8443"},
        {"COOKIE_ATTRIBUTES": "SameSite=None; Secure; Partitioned"},
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
    for value in settings.values():
        assert value.strip("/") in text


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
