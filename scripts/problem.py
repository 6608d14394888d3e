"""What stops the setup: what was found, and the remedy."""

import os
import shutil


class Problem(Exception):
    """One problem (two strings) or several (two sequences of strings)."""

    def __init__(self, what, remedy):
        single = isinstance(what, str)
        self.pairs = [(what, remedy)] if single else list(zip(what, remedy))
        super().__init__("; ".join(what for what, _ in self.pairs))


def apt(package):
    """How to install a Debian package here, or its name where apt is not used."""
    if not shutil.which("apt-get"):
        return f"install it (Debian's package is {package})"
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install --yes {package}"
