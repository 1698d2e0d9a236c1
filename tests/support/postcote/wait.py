"""Waiting for what shall happen, with a limit; the only place that sleeps."""

import time


class Timeout(AssertionError):
    """What was waited for did not happen."""


def wait_until(what, check, limit=20.0, pause=0.02):
    """Calls check() until it returns something true, and returns that."""
    end = time.monotonic() + limit
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise Timeout(f"gave up waiting for {what} after {limit:.0f} s")
        time.sleep(pause)
