"""An outside program that delivers into a Maildir."""

import os
import threading
import time


class Mda(threading.Thread):
    """Delivers into new/ as any program does that knows Maildir, some fifty
    messages a second until end()."""

    def __init__(self, home):
        super().__init__()
        self.maildir, self.count = f"{home}/Maildir", 0
        self.owner = os.stat(home).st_uid
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            self.count += 1
            name = f"{int(time.time())}.M{self.count}P{os.getpid()}.mda"
            with open(f"{self.maildir}/tmp/{name}", "w") as f:
                f.write(f"Subject: {name}\n\nbody\n")
            os.chown(f"{self.maildir}/tmp/{name}", self.owner, self.owner)
            os.rename(f"{self.maildir}/tmp/{name}",
                      f"{self.maildir}/new/{name}")

    def end(self):
        self.ended.set()
        self.join()
