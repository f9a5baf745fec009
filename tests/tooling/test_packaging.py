"""Locks, static files, translations, license and tree are as the tools say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.settings import ROOT
from tools import assets, bootstrap, check_tree, translations

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ["requirements.lock", "requirements-test.lock", "requirements-bench.lock", "requirements-fuzz.lock", "requirements-node.lock"]


def locked(name: str) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    text = (ROOT / name).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(re.sub(r"\s--hash=\S+", "", line))
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_versions_and_hashes_and_no_host(name):
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|/root/|/tmp/|/home/", text)
    entries = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith((" ", "#"))]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize(("name", "extras"), [
    ("requirements.lock", ("postgres", "embedded")),
    ("requirements-test.lock", ("postgres", "embedded", "test", "dev")),
    ("requirements-bench.lock", ("postgres", "embedded", "test", "dev", "bench")),
    ("requirements-fuzz.lock", ("postgres", "embedded", "test", "dev", "bench", "fuzz")),
])
def test_a_lock_fits_the_ranges(name, extras):
    versions = locked(name)
    wanted = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    for requirement in map(Requirement, wanted):
        if requirement.name == PROJECT["name"]:
            continue
        for found in versions.get(canonicalize_name(requirement.name), []):
            version = next(iter(found.specifier)).version
            assert requirement.specifier.contains(version, prereleases=True), f"{requirement} is locked to {version}: make lock"
        assert canonicalize_name(requirement.name) in versions, f"{requirement} is not in {name}: make lock"


def test_the_larger_locks_hold_the_same_versions():
    smaller, larger = locked("requirements.lock"), locked("requirements-test.lock")
    assert {name for name in smaller if {str(r) for r in smaller[name]} != {str(r) for r in larger.get(name, [])}} == set()


def test_package_lock_has_hashes_and_no_host():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name
    for name, version in {**lock["packages"][""]["dependencies"], **lock["packages"][""]["devDependencies"]}.items():
        package = json.loads((ROOT / "package.json").read_text())
        assert {**package["dependencies"], **package["devDependencies"]}[name] == version


def test_the_static_files_are_there_and_complete():
    assert assets.STAMP.read_text() == assets.fingerprint()
    for target in json.loads((ROOT / "tools" / "assets.json").read_text()):
        assert (assets.VENDOR / target).exists()
    styles = (assets.VENDOR / "inter" / "index.css").read_text()
    for name in set(re.findall(r"url\(\./([^)]+)\)", styles)):
        assert (assets.VENDOR / "inter" / name).is_file()


def test_the_license_text_is_whole():
    text = (ROOT / "LICENSE").read_text()
    assert text.lstrip().startswith("GNU AFFERO GENERAL PUBLIC LICENSE")
    for number in range(18):
        assert re.search(rf"^  {number}\. [A-Z]", text, re.MULTILINE), number
    assert "END OF TERMS AND CONDITIONS" in text and "<https://www.gnu.org/licenses/>" in text.rstrip()[-200:]
    assert PROJECT["license"] == "AGPL-3.0-or-later"


def test_the_tree_is_registered_with_its_entry_points():
    found = {point.name: point.value for point in entry_points(group="pttadmin.plugins")}
    assert found == PROJECT["entry-points"]["pttadmin.plugins"]
    assert (Path(sys.executable).parent / "ptt").exists()


def test_every_folder_that_is_imported_is_packaged():
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "tools", "benchmarks"} <= set(packaged)
    assert all((ROOT / name).exists() for name in packaged)


def test_a_wheel_holds_what_the_product_needs(tmp_path):
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    import zipfile

    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("app/factory.py", "config.py", "migrations/env.py", "plugins/ptt_soap/profiles/simulator.toml", "app/static/vendor/inter/index.css",
                 "app/templates/pttadmin/base.html", "simulator/templates/page.html"):
        assert name in names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "var/", ".venv/"))]


def test_a_stamp_is_void_when_lock_or_entry_points_change(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "python")
    for name in (*bootstrap.LOCKS.values(), "pyproject.toml"):
        (tmp_path / name).write_text("a")
    (tmp_path / ".venv").mkdir()
    bootstrap.PYTHON.touch()
    assert not bootstrap.is_ready("run")
    (tmp_path / ".venv" / ".ready-test").write_text(bootstrap.fingerprint("test"))
    assert bootstrap.is_ready("run") and bootstrap.is_ready("test") and not bootstrap.is_ready("bench")
    (tmp_path / "pyproject.toml").write_text("b")
    assert not bootstrap.is_ready("run")


def test_without_a_fitting_python_the_message_says_what_to_do(tmp_path):
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    answer = subprocess.run(["/bin/sh", str(ROOT / "tools" / "find-python.sh")], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert answer.returncode == 1 and "3.11" in answer.stderr and "apt-get install" in answer.stderr


def test_check_tree_finds_what_must_not_be_committed(tmp_path, monkeypatch):
    monkeypatch.setattr(check_tree, "ROOT", tmp_path)
    samples = {
        "key.pem": "-----BEGIN " + "PRIVATE KEY-----\n" + "A" * 64, "a.env": "SECRET_KEY=" + "aB3_" * 10, "b.py": "<" * 7 + " HEAD\n",
        "package-lock.json": '"resolved": "x"', "x.lock": "# https://" + "host.test/simple", "good.py": "SECRET_KEY=\n", "big.bin": "x" * 1_000_001,
    }
    for name, text in samples.items():
        (tmp_path / name).write_text(text)
    found = check_tree.faults(sorted(tmp_path.iterdir()))
    assert {line.partition(":")[0] for line in found} == set(samples) - {"good.py"}


def test_strings_are_found_and_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    for name in ("app/templates", "translations/de/LC_MESSAGES", "plugins/own", "tools"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "tools" / "babel.cfg").write_text((ROOT / "tools" / "babel.cfg").read_text())
    (tmp_path / "app" / "a.py").write_text('_("%(n)s licenses", n=1)\n_l("Save")\nngettext("%(num)s day", "%(num)s days", 2)\n')
    (tmp_path / "app" / "templates" / "a.html").write_text('{{ _("Customer") }}{% trans %}Hello{% endtrans %}')
    (tmp_path / "plugins" / "own" / "__init__.py").write_text('_("Of the plugin")')
    monkeypatch.setattr(translations, "LANGUAGES", ("de",))
    translations.update_all()
    core = tmp_path / "translations/de/LC_MESSAGES/messages.po"
    text = core.read_text()
    for word in ("licenses", "Save", "Customer", "Hello", "%(num)s days"):
        assert word in text
    assert "Of the plugin" in (tmp_path / "plugins/own/translations/de/LC_MESSAGES/messages.po").read_text()
    assert len(translations.faults()) == 6
    core.write_text(text.replace('msgid "Save"\nmsgstr ""', 'msgid "Save"\nmsgstr "Sichern"')
                    .replace('msgid "%(n)s licenses"\nmsgstr ""', 'msgid "%(n)s licenses"\nmsgstr "Lizenzen"'))
    found = "\n".join(translations.faults())
    assert "'Save'" not in found and "other placeholders: '%(n)s licenses'" in found
    translations.compile_all()
    assert core.with_suffix(".mo").exists()
    translations.update_all()
    assert "Sichern" in core.read_text()
    monkeypatch.setattr(translations, "LANGUAGES", ("de", "pt_BR"))
    translations.update_all()
    for language in ("de", "pt_BR"):        # German pasted into both
        own = tmp_path / f"plugins/own/translations/{language}/LC_MESSAGES/messages.po"
        own.write_text(own.read_text().replace('msgid "Of the plugin"\nmsgstr ""', 'msgid "Of the plugin"\nmsgstr "Vom Plugin her"'))
    assert [line for line in translations.faults() if "as in another language" in line] == ["plugins/own/translations/pt_BR/LC_MESSAGES/messages.po: as in another language: 'Of the plugin'"]
