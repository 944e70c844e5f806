"""Tests in a real Chromium. A package, so that the browser is closed when the last one has ended:
until then Playwright's event loop would be in the way of tests that have one of their own."""
