"""Looks for known vulnerabilities in what the app needs, with pip-audit, and says how much of it could be looked at.

Ends with 1 for a vulnerability that is found, whatever else happens, and with 2 where pip-audit itself failed. Where
its service cannot be reached, nothing was audited: that is said, and ends with 0, so that a machine without a network
can build; `--strict` ends with 3 instead. The service is asked about one package first, and about the others only if it
knows that one.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.licences import closure

ROOT = Path(__file__).resolve().parent.parent
KNOWN = "jinja2=="  # the line of requirements.txt that the service is tried with
SECONDS = 600
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "NameResolutionError", "ProxyError")
Run = Callable[[list[str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Audit:
    """What came of one call. audited, skipped: numbers of packages. found: one line for each vulnerability.

    failure: "" or what pip-audit said last, where it gave no result; reached: whether its service answered.
    """

    audited: int = 0
    skipped: int = 0
    found: tuple[str, ...] = ()
    failure: str = ""
    reached: bool = True


def audit(arguments: list[str], run: Run) -> Audit:
    """One call of pip-audit, read."""
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--format", "json", *arguments]
    try:
        done = run(command)
    except subprocess.TimeoutExpired:
        return Audit(failure=f"no answer within {SECONDS} s", reached=False)
    try:
        listed: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return Audit(failure=last, reached=not any(name in done.stderr for name in UNREACHABLE))
    skipped = [one for one in listed if "skip_reason" in one]
    lines = [
        f"{one['name']} {one['version']}: {bug['id']}, fixed in {', '.join(bug['fix_versions']) or 'no version yet'}"
        for one in listed
        for bug in one.get("vulns", ())
    ]
    return Audit(len(listed) - len(skipped), len(skipped), tuple(lines))


def verdict(result: Audit, *, strict: bool) -> tuple[int, str]:
    """(exit code, what to say)."""
    if result.found:
        return 1, "Known vulnerabilities:\n" + "\n".join(result.found)
    if result.failure and result.reached:
        return 2, f"pip-audit failed: {result.failure}"
    if not result.audited:
        return (3 if strict else 0), "NOT AUDITED: the service that knows vulnerabilities cannot be reached from here."
    rest = f"; {result.skipped} are unknown to the service" if result.skipped else ""
    return 0, f"{result.audited} packages audited, no known vulnerability{rest}."


def installed() -> list[str]:
    """name==version of all that the app needs, as it is installed; without the marks of local builds."""
    return [f"{name}=={version(name).partition('+')[0]}" for name in sorted(closure())]


def main(run: Run, *, strict: bool) -> int:
    """Try the service with one package, then ask about all that the app needs."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.txt"
        one.write_text(next(line for line in lines if line.startswith(KNOWN)) + "\n", encoding="utf-8")
        result = audit(["--no-deps", "--disable-pip", "-r", str(one)], run)
        if result.audited and not result.found:
            everything = Path(folder) / "all.txt"
            everything.write_text("".join(f"{line}\n" for line in installed()), encoding="utf-8")
            result = audit(["--no-deps", "--disable-pip", "-r", str(everything)], run)
    code, said = verdict(result, strict=strict)
    print(said, file=sys.stderr if code else sys.stdout)
    return code


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(_run, strict="--strict" in sys.argv[1:]))
