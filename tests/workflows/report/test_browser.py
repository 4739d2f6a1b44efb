"""The page in a real browser: it opens without a word on the console, where the browser would report an attempt to
fetch anything from elsewhere (the page's own policy forbids it)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rallax.workflows.report import render

from .sample import report_data

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--dump-dom",
]


def opened(html: str, folder: Path) -> tuple[str, list[str]]:
    """The page's elements after opening, and what the console said."""
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    browser = subprocess.run(
        [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return browser.stdout, [line for line in browser.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_opens_quietly_and_would_be_heard_if_it_fetched_anything(tmp_path: Path) -> None:
    html = render(report_data())
    page, console = opened(html, tmp_path)
    assert console == []
    assert "l5ttpc-subthreshold" in page and page.count("<svg") == 7
    _, console = opened(html.replace("</main>", '<img src="http://127.0.0.1:9/x.png"></main>'), tmp_path)
    assert any("Content Security Policy" in line for line in console)
