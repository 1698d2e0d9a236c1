"""A small file system of a site's own, to be filled."""

import os


class Disk:
    """Takes the place of a directory with all that is in it."""

    def __init__(self, site, path, size):
        self.site, self.path = site, path
        self.inside = f"/proc/{site.space.pid}/root{path}"
        # The logger's socket is not on it: the log is not what is tested.
        site.run("sh", "-ec", f"""
            mount -t tmpfs -o mode=755,size={size} tmpfs /mnt
            cp -a --no-target-directory {path} /mnt
            mount --move /mnt {path}
            if [ -e {path}/dev/log ]; then
                rm {path}/dev/log; touch {path}/dev/log
                mount --bind /dev/log {path}/dev/log
            fi""")

    def fill(self, leave=0):
        """Takes all room but so many bytes."""
        info = os.statvfs(self.inside)
        free = info.f_bavail * info.f_frsize - leave
        with open(f"{self.inside}/filler", "wb") as f:
            f.write(bytes(max(0, free)))

    def clear(self):
        os.unlink(f"{self.inside}/filler")
