"""Copy the browser libraries into static/vendor: exact versions, their licences and a list of checksums.

Only maintainers run this (``make vendor``); what it makes is committed, so that nobody else needs npm.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
AXE = ROOT / "tests" / "browser" / "vendor"

HTMX = "htmx.org@2.0.11"
TABLER = "@tabler/core@1.6.1"
ICONS = "@tabler/icons@3.51.0"
AXE_CORE = "axe-core@4.14.1"
ESBUILD = "esbuild@0.28.2"
EDITOR = [
    "@codemirror/autocomplete@6.20.4",
    "@codemirror/commands@6.11.1",
    "@codemirror/lang-json@6.0.2",
    "@codemirror/language@6.13.1",
    "@codemirror/lint@6.9.8",
    "@codemirror/state@6.7.6",
    "@codemirror/streamparser@6.0.0",
    "@codemirror/view@6.43.15",
    "@lezer/common@1.5.5",
    "@lezer/highlight@1.2.5",
    "@lezer/json@1.0.3",
    "@lezer/lr@1.4.12",
    "@marijn/find-cluster-break@1.0.4",
    "crelt@1.0.7",
    "style-mod@4.1.4",
    "w3c-keyname@2.2.8",
]
"""CodeMirror with everything that it is made of, so that no version is left to chance."""

OUTLINE = [
    "alert-circle",
    "alert-triangle",
    "arrow-back-up",
    "arrow-left",
    "arrow-right",
    "at",
    "arrows-exchange",
    "building",
    "chevron-down",
    "chevron-right",
    "chevrons-up-down",
    "check",
    "circle-check",
    "circle-dashed",
    "circle-x",
    "clock",
    "code",
    "copy",
    "device-desktop",
    "dots",
    "download",
    "edit",
    "external-link",
    "eye",
    "file-text",
    "flask",
    "history",
    "inbox",
    "info-circle",
    "key",
    "layout-dashboard",
    "loader-2",
    "lock",
    "logout",
    "mail",
    "menu-2",
    "moon",
    "player-stop",
    "plug-connected",
    "plus",
    "refresh",
    "search",
    "selector",
    "send",
    "server",
    "settings",
    "shield-check",
    "sun",
    "template",
    "trash",
    "user",
    "world",
    "x",
]


def unpack(package: str, folder: Path) -> Path:
    """Fetch one package at exactly this version and return where it lies."""
    command = ["npm", "pack", package, "--silent", "--pack-destination", str(folder)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]  # noqa: S603
    target = folder / name.removesuffix(".tgz")
    with tarfile.open(folder / name) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    text = source.read_text(encoding="utf-8")
    # The maps are not shipped; a reference to one makes every open inspector ask for it.
    text = re.sub(r"\n?/\*# sourceMappingURL=.*?\*/|\n?//# sourceMappingURL=.*", "", text)
    target.write_text(text.rstrip() + "\n", encoding="utf-8")


def sprite(icons: Path) -> str:
    """Put the icons into one file, each a symbol of its name."""
    symbols = []
    for name in sorted(set(OUTLINE)):
        source = icons / "outline" / f"{name}.svg"
        if not source.exists():
            print(f"no icon {name}")  # noqa: T201
            continue
        inner = re.search(r"<svg[^>]*>(.*)</svg>", source.read_text(encoding="utf-8"), re.DOTALL)
        paths = re.sub(r"\s+", " ", inner[1]).replace("> <", "><").strip() if inner else ""
        paths = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>', "", paths)
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
            f'stroke-linecap="round" stroke-linejoin="round">{paths}</symbol>'
        )
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def bundle_editor(folder: Path) -> None:
    """Put CodeMirror into one module, of what ``codemirror.js`` beside this file names."""
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    install = ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"]
    subprocess.run([*install, ESBUILD, *EDITOR], check=True, cwd=folder)  # noqa: S603
    found = {
        f"{path.parent.relative_to(folder / 'node_modules')}@{json.loads(path.read_text(encoding='utf-8'))['version']}"
        for path in folder.glob("node_modules/**/package.json")
        if not path.is_relative_to(folder / "node_modules" / "esbuild")
        and "version" in path.read_text(encoding="utf-8")
    }
    unpinned = {each for each in found if not each.startswith("@esbuild/")} - set(EDITOR)
    if unpinned:
        raise SystemExit(f"CodeMirror brings what is not pinned: {', '.join(sorted(unpinned))}")
    entry = folder / "codemirror.js"
    entry.write_text((ROOT / ".ci" / "codemirror.js").read_text(encoding="utf-8"), encoding="utf-8")
    out = folder / "out.js"
    options = ["--bundle", "--format=esm", "--minify", "--target=es2022", "--legal-comments=none", f"--outfile={out}"]
    esbuild = folder / "node_modules" / "@esbuild" / "linux-x64" / "bin" / "esbuild"
    binary = esbuild if esbuild.exists() else folder / "node_modules" / ".bin" / "esbuild"
    subprocess.run([str(binary), str(entry), *options], check=True, cwd=folder)  # noqa: S603
    copy(out, VENDOR / "codemirror.js")
    texts: dict[str, list[str]] = {}
    for package in EDITOR:
        name = package.rpartition("@")[0]
        text = (folder / "node_modules" / name / "LICENSE").read_text(encoding="utf-8").strip()
        texts.setdefault(text, []).append(package)
    parts = [", ".join(packages) + "\n\n" + text for text, packages in texts.items()]
    (VENDOR / "licences" / "codemirror.txt").write_text("\n\n----\n\n".join(parts) + "\n", encoding="utf-8")


def main() -> None:
    VENDOR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        htmx, tabler, icons, axe = (unpack(package, folder) for package in (HTMX, TABLER, ICONS, AXE_CORE))
        copy(htmx / "dist" / "htmx.min.js", VENDOR / "htmx.min.js")
        copy(htmx / "LICENSE", VENDOR / "licences" / "htmx.txt")
        copy(tabler / "dist" / "css" / "tabler.min.css", VENDOR / "tabler.min.css")
        copy(icons / "LICENSE", VENDOR / "licences" / "tabler-icons.txt")
        (VENDOR / "icons.svg").write_text(sprite(icons / "icons"), encoding="utf-8")
        copy(axe / "axe.min.js", AXE / "axe.min.js")
        copy(axe / "LICENSE", AXE / "axe.LICENSE.txt")
        bundle_editor(folder / "editor")
    write_sums(VENDOR)
    write_sums(AXE)


def write_sums(folder: Path) -> None:
    """List what is there with its checksum, as ``sha256sum --check`` reads it."""
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name not in ("SHA256SUMS", "README.md")
    )
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}" for path in files]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
