"""A headless Chromium inside a site, unpacked from Debian's packages and never
installed; driven over its debugging pipe (DevTools protocol, NUL-ended JSON)."""

import functools
import json
import os
import re
import subprocess
import time

from postcote import oracle
from postcote.wait import Timeout, wait_until

PACKAGES = [
    "chromium-headless-shell", "chromium-common", "libasyncns0",
    "libdouble-conversion3", "libflac12", "libharfbuzz-subset0",
    "libminizip1", "libmp3lame0", "libmpg123-0", "libogg0", "libopenh264-7",
    "libopenjp2-7", "libopus0", "libpulse0", "libsndfile1", "libvorbis0a",
    "libvorbisenc2", "libxnvctrl0",
]
PROGRAM = "/usr/lib/chromium/chromium-headless-shell"
# A site has no other user and no network but its own: no sandbox is needed.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
           "--remote-debugging-pipe", "--no-first-run",
           "--window-size=1280,900"]


@functools.cache
def find():
    """(root directory, None), or (None, why there is none)."""
    root, reason = oracle.find_packages("chromium", PACKAGES)
    if reason:
        return None, reason
    libraries = f"{root}/usr/lib/x86_64-linux-gnu"
    listed = subprocess.run(
        ["ldd", root + PROGRAM], capture_output=True, text=True,
        env={"LD_LIBRARY_PATH": f"{libraries}:{libraries}/pulseaudio"}).stdout
    missing = re.findall(r"(\S+) => not found", listed)
    if missing or not listed:
        return None, f"chromium needs {', '.join(missing)}"
    return root, None


class Page:
    """One page of a browser, which ends with close()."""

    def __init__(self, site, user):
        self.last, self.buffer = 0, b""
        commands, self.commands = os.pipe()
        self.events, events = os.pipe()
        home = f"/home/{user}/browser"
        words = [PROGRAM, *OPTIONS, f"--user-data-dir={home}", "about:blank"]
        self.process = subprocess.Popen(
            site.space.enter_argv(
                ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{events}', "bash",
                 "env", f"HOME={home}", *words], user),
            pass_fds=(commands, events), stdin=subprocess.DEVNULL, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(events)
        os.set_blocking(self.events, False)
        self.session = None
        target = self._call("Target.createTarget", url="about:blank")
        self.session = self._call("Target.attachToTarget", flatten=True,
                                  targetId=target["targetId"])["sessionId"]

    def _call(self, method, limit=60, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + limit
        while (answer := self._next(end)).get("id") != self.last:
            pass
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def _next(self, end):
        def whole():
            try:
                data = os.read(self.events, 65536)
            except BlockingIOError:
                data = None
            if data == b"":
                raise EOFError("the browser has ended")
            self.buffer += data or b""
            return b"\0" in self.buffer
        wait_until("the browser", whole, end - time.monotonic())
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def go(self, url):
        self._call("Page.navigate", url=url)

    def _evaluate(self, expression):
        return self._call("Runtime.evaluate", expression=expression,
                          returnByValue=True)

    def js(self, expression):
        """The value of an expression in the page."""
        got = self._evaluate(expression)
        assert "exceptionDetails" not in got, (expression, got)
        return got["result"].get("value")

    def wait(self, expression, limit=30.0):
        """Until the expression is true in the page (it may fail before)."""
        def value():
            return self._evaluate(expression)["result"].get("value")
        try:
            wait_until(expression, value, limit)
        except Timeout as e:
            shown = self.js("location.href + '\\n' + document.body.innerText")
            raise AssertionError(f"{e}; the page shows:\n{shown}") from None

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.commands)
        os.close(self.events)
