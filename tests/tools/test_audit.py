"""The audit fails for what it finds, and does not call a service that it could not reach a clean bill of health."""

import json
import subprocess

import pytest

from tools.audit import installed, main
from tools.licences import closure, pinned

CLEAN = {"name": "jinja2", "version": "3.1.6", "vulns": []}
SKIPPED = {"name": "jinja2", "skip_reason": "Dependency not found"}
BAD = {"name": "jinja2", "version": "3.1.6", "vulns": [{"id": "GHSA-x", "fix_versions": ["3.1.7"]}]}
OFFLINE = "Traceback\nrequests.exceptions.ConnectionError: Max retries exceeded"


class PipAudit:
    """Stands for pip-audit: answers in turn with what it found, or with an error."""

    def __init__(self, *answers: list[dict[str, object]] | str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        with open(command[-1], encoding="utf-8") as file:
            self.asked.append(file.read())
        answer = self.answers.pop(0)
        if answer == "slow":
            raise subprocess.TimeoutExpired(command, 1)
        if isinstance(answer, str):
            return subprocess.CompletedProcess(command, 1, "", answer)
        return subprocess.CompletedProcess(command, 0, json.dumps({"dependencies": answer}), "")


@pytest.mark.parametrize(
    ("answers", "strict", "code", "said"),
    [
        (([CLEAN], [CLEAN] * 3), False, 0, "3 packages audited, no known vulnerability."),
        (([CLEAN], [CLEAN, SKIPPED]), True, 0, "1 packages audited, no known vulnerability; 1 are unknown"),
        (([CLEAN], [CLEAN, BAD, SKIPPED]), False, 1, "jinja2 3.1.6: GHSA-x, fixed in 3.1.7"),
        (([BAD],), False, 1, "GHSA-x"),
        (([SKIPPED],), False, 0, "NOT AUDITED"),
        (([SKIPPED],), True, 3, "NOT AUDITED"),
        ((OFFLINE,), False, 0, "NOT AUDITED"),
        ((OFFLINE,), True, 3, "NOT AUDITED"),
        (("slow",), False, 0, "NOT AUDITED"),
        (([CLEAN], OFFLINE), False, 0, "NOT AUDITED"),
        (("usage: pip-audit\npip-audit: error: no such option",), False, 2, "pip-audit failed: pip-audit: error"),
        (("",), False, 2, "pip-audit failed: no output"),
    ],
)
def test_how_it_ends(
    capsys: pytest.CaptureFixture[str], answers: tuple[list[dict[str, object]] | str, ...], strict: bool, code: int,
    said: str,
) -> None:  # fmt: skip
    assert main(PipAudit(*answers), strict=strict) == code
    told = capsys.readouterr()
    assert said in (told.err if code else told.out)


def test_the_others_are_asked_about_only_where_the_service_knows_one():
    offline, online = PipAudit([SKIPPED]), PipAudit([CLEAN], [CLEAN])
    main(offline, strict=False)
    main(online, strict=False)
    assert offline.asked == ["jinja2==3.1.6\n"]
    assert online.asked[1].split() == installed()


def test_all_that_the_app_needs_is_asked_about():
    names = {line.partition("==")[0] for line in installed()}
    assert set(pinned()) <= names == closure()
    assert not any("+" in line for line in installed())
