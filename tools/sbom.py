"""`make sbom`: writes build/sbom/pttadmin.cdx.json, the list of all parts that a release runs with (CycloneDX 1.6), from the lock files alone."""

from __future__ import annotations

import base64
import json
import re
import tomllib
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "sbom" / "pttadmin.cdx.json"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")


def python_parts(lock: str) -> list[dict[str, Any]]:
    """One for each pin; the hashes are those of the files that may be installed."""
    found: list[dict[str, Any]] = []
    for line in lock.splitlines():
        if match := _PIN.match(line):
            name, version = match[1].lower().replace("_", "-"), match[2]
            part: dict[str, Any] = {"type": "library", "bom-ref": f"pkg:pypi/{name}@{version}", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
            if (words := _license(name)) is not None:
                part["licenses"] = [words]
            found.append(part)
        elif found and (hashed := re.search(r"--hash=sha256:([0-9a-f]{64})", line)):
            found[-1].setdefault("properties", []).append({"name": "pttadmin:file:sha256", "value": hashed[1]})
    return found


def _license(name: str) -> dict[str, Any] | None:
    try:
        known = metadata.metadata(name).json
    except metadata.PackageNotFoundError:
        return None
    if expression := known.get("license_expression"):
        return {"expression": expression}
    words = str(known.get("license") or "")
    return {"license": {"name": words}} if words and "\n" not in words and len(words) < 80 else None


def npm_parts(lock: dict[str, Any]) -> list[dict[str, Any]]:
    """What is served; packages for tests are left out."""
    found = []
    for path, item in lock["packages"].items():
        if not path or item.get("dev"):
            continue
        name = path.rpartition("node_modules/")[2]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{item['version']}"
        part: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": item["version"], "purl": purl}
        if item.get("license"):
            part["licenses"] = [{"expression": item["license"]}]
        if str(item.get("integrity", "")).startswith("sha512-"):
            part["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(item["integrity"][7:]).hex()}]
        found.append(part)
    return found


def document(lock: str, package_lock: dict[str, Any], version: str) -> dict[str, Any]:
    parts = [*python_parts(lock), *npm_parts(package_lock)]
    content = json.dumps(parts, sort_keys=True)
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}", "version": 1,
            "metadata": {"component": {"type": "application", "bom-ref": "pttadmin", "name": "pttadmin", "version": version, "licenses": [{"expression": "AGPL-3.0-or-later"}]}},
            "components": parts}


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    version = project.get("version") or metadata.version(project["name"])
    made = document((ROOT / "requirements.lock").read_text(), json.loads((ROOT / "package-lock.json").read_text()), version)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(made, indent=1) + "\n")
    print(f"{TARGET.relative_to(ROOT)}: {len(made['components'])} parts")


if __name__ == "__main__":
    main()
