"""Where a Chromium is that Playwright can drive. As a program: prints it, or fails."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
CURE = "there is no Chromium for the tests in a browser: `make chromium` installs one"


def find_chromium() -> str | None:
    """One of the system's, or else the one that Playwright has downloaded."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    with sync_playwright() as playwright:
        downloaded = playwright.chromium.executable_path
    return downloaded if Path(downloaded).exists() else None


if __name__ == "__main__":
    print(find_chromium() or sys.exit(CURE))
