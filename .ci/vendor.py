"""Copy the browser libraries into static/vendor: exact versions, their licences and a list of checksums.

Only maintainers run this (``make vendor``); what it makes is committed, so that nobody else needs npm.
"""

from __future__ import annotations

import hashlib
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
