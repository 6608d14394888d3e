"""Which libtorch Cargo builds against: the downloaded one, or the user's own."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from problem import Problem

# Where each flavour lies inside .deps.
FOLDERS = {"cpu": "libtorch", "cuda": "libtorch-cuda/torch"}
# The oldest C library that PyTorch's wheels run with.
GLIBC = (2, 28)
# Where TORCH_VERSION is defined: of this version, of older ones, of distributions.
VERSION_HEADERS = [
    "include/torch/headeronly/version.h",
    "include/torch/csrc/api/include/torch/version.h",
    "include/torch/version.h",
]


class Libtorch:
    """A libtorch, and the Cargo configuration that points at it."""

    def __init__(self, deps, folder, abi, flavour=None):
        self.fragment = deps / "cargo.toml"
        self.folder = folder
        self.abi = abi
        self.flavour = flavour
        self.own = flavour is None

    def text(self):
        where = json.dumps(str(self.folder))
        rpath = json.dumps(f"link-arg=-Wl,-rpath,{self.folder / 'lib'}")
        return (
            "# Written by `just setup`; .cargo/config.toml includes it.\n"
            f"[env]\nLIBTORCH = {{ value = {where} }}\nLIBTORCH_CXX11_ABI = \"{self.abi}\"\n\n"
            "# Build scripts give programs and tests their run path, but not doc tests.\n"
            f'[build]\nrustdocflags = ["-C", {rpath}]\n'
        )

    def configured(self):
        try:
            return self.fragment.read_text() == self.text()
        except OSError:
            return False

    def configure(self):
        new = self.fragment.with_suffix(".new")
        new.write_text(self.text())
        new.replace(self.fragment)


def choose(flavour, deps, wanted):
    """The libtorch to use: LIBTORCH, else what was asked for, else what an earlier setup chose."""
    given = os.environ.get("LIBTORCH")
    if os.environ.get("LIBTORCH_USE_PYTORCH"):
        given = python_torch()
    if given and Path(given) not in [deps / folder for folder in FOLDERS.values()]:
        return own(given, deps, wanted)
    if flavour is None:
        earlier = configured_folder(deps)
        names = [name for name, folder in FOLDERS.items() if deps / folder == earlier]
        if earlier and not names:
            return own(str(earlier), deps, wanted)
        flavour = names[0] if names else "cpu"
    check_platform(wanted)
    return Libtorch(deps, deps / FOLDERS[flavour], "1", flavour)


def configured_folder(deps):
    try:
        text = (deps / "cargo.toml").read_text()
    except OSError:
        return None
    found = re.search(r'^LIBTORCH = { value = (".*") }$', text, re.MULTILINE)
    return Path(json.loads(found[1])) if found else None


def check_platform(wanted):
    system, machine = platform.system(), platform.machine()
    libc, found = platform.libc_ver()
    if (system, machine, libc) == ("Linux", "x86_64", "glibc"):
        if tuple(map(int, found.split("."))) >= GLIBC:
            return
    raise Problem(
        f"setup has a libtorch for Linux x86-64 with glibc {'.'.join(map(str, GLIBC))} or later only, "
        f"and this is {' '.join([system, machine, libc, found]).strip()}",
        f"unpack libtorch {wanted} for this system, or install PyTorch {wanted}, and set LIBTORCH "
        "to its folder (the one that holds include/ and lib/), then run `just setup` again",
    )


def python_torch():
    code = "import os, torch; print(os.path.dirname(torch.__file__))"
    python = "python" if os.environ.get("VIRTUAL_ENV") else "python3"
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    done = subprocess.run([python, "-c", code], text=True, **quiet)
    if done.returncode != 0:
        raise Problem(
            f"LIBTORCH_USE_PYTORCH is set, but {python} has no torch",
            "unset it, or install PyTorch there",
        )
    return done.stdout.strip()


def own(given, deps, wanted):
    """The user's own libtorch, with its version and ABI checked."""
    folder = Path(given)
    remedy = (
        f"set LIBTORCH to the folder of libtorch {wanted} (the one that holds include/ and lib/), "
        "or unset it and run `just setup cpu`: it downloads one"
    )
    if not folder.is_absolute():
        raise Problem(f"LIBTORCH={given} is not an absolute path", remedy)
    suffix = "dylib" if sys.platform == "darwin" else "so"
    if not (folder / "lib" / f"libtorch_cpu.{suffix}").exists():
        raise Problem(f"LIBTORCH={given} holds no lib/libtorch_cpu.{suffix}", remedy)
    found = version(folder)
    if found != wanted:
        found = found or "of unknown version"
        raise Problem(f"LIBTORCH={given} is libtorch {found}, wanted {wanted}", remedy)
    found = cxx11_abi(folder / "lib" / f"libc10.{suffix}")
    asked = os.environ.get("LIBTORCH_CXX11_ABI")
    if asked is not None and found is not None and asked != found:
        raise Problem(
            f"LIBTORCH={given} uses C++11 ABI {found}, but LIBTORCH_CXX11_ABI={asked}",
            "unset LIBTORCH_CXX11_ABI",
        )
    # Only libstdc++ has two ABIs: torch-sys's default serves elsewhere.
    return Libtorch(deps, folder, found or asked or "1")


def version(folder):
    """The version that the version file or the headers name, without a local part like +cpu."""
    try:
        return (folder / "build-version").read_text().strip().split("+")[0]
    except OSError:
        pass
    for header in VERSION_HEADERS:
        try:
            text = (folder / header).read_text()
        except OSError:
            continue
        found = re.search(r'#define TORCH_VERSION[\s\\]+"([^"+]+)', text)
        if found:
            return found[1]
    return None


def cxx11_abi(library):
    """ "0" or "1" by how c10::Error's constructor takes its string, None where that is not told."""
    try:
        symbols = library.read_bytes()
    except OSError:
        return None
    constructor = b"_ZN3c105ErrorC2ENS_14SourceLocationE"
    if constructor + b"Ss" in symbols:
        return "0"
    return "1" if constructor + b"NSt7__cxx11" in symbols else None
