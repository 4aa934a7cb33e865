"""Where the files of a gate's certificate lie, and how they are written: together, with their modes, for their owner.

The key of the authority belongs to whoever ran `antt-gate tls`, which on a real gate is root: the service can't read
it, so a broken service can't sign. The gate's own key belongs to the service's user.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from config.load import SIMULATE_FILE
from config.schema import Settings

USUAL_CERTIFICATE = Path("tls", "page.pem")
USUAL_KEY = Path("secrets", "page.key")
PUBLIC = 0o644
SECRET = 0o600


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The files. `base` is the folder from which the configuration's paths are taken; `owner` whom the key is for."""

    base: Path
    authority: Path
    authority_key: Path
    certificate: Path
    key: Path
    shown: Path
    page: Path
    owner: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One file to be written; `owner` None: of whoever writes it."""

    path: Path
    content: bytes
    mode: int = PUBLIC
    owner: tuple[int, int] | None = None


def places(settings: Settings, config: Path, ca_dir: Path | None) -> Places:
    """Return where the files of this gate are: as `[api.tls]` says, else beside the configuration.

    Those of a simulation without a configuration of its own are in its state directory.
    """
    state_dir, tls = settings.storage.state_dir, settings.api.tls
    base = state_dir if config.resolve() == SIMULATE_FILE.resolve() else config.resolve().parent
    authority = ca_dir.absolute() if ca_dir else base / "ca"
    certificate = tls.cert_file if tls else base / USUAL_CERTIFICATE
    shown = tls.ca_file if tls and tls.ca_file else certificate.parent / "district-ca.pem"
    return Places(
        base=base, authority=authority / "district-ca.pem", authority_key=authority / "district-ca.key",
        certificate=certificate, key=tls.key_file if tls else base / USUAL_KEY, shown=shown,
        page=shown.with_name("trust.html"), owner=_owner_of(state_dir),
    )  # fmt: skip


def read(path: Path) -> bytes | None:
    """Return what a file holds, None where there is none. Raises `OSError` where it can't be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the authority's folder, if there is one, for this command alone.

    Of two at once, the timer's and a person's, one would leave its key beside the other's certificate. It is that
    folder because nobody else may open it: a service that was taken over can't hold up the timer.
    """
    if not folder.is_dir():
        yield
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def write_together(files: Iterable[File]) -> None:
    """Write files so that each is whole at any moment, and all change in one. Raises `OSError`, and then changes none.

    Missing folders are made, those of secrets closed to others.
    """
    written = list(files)
    waiting: list[Path] = []
    try:
        waiting.extend(map(_written_beside, written))
    except BaseException:  # also where somebody lost patience: a key lies there
        for path in waiting:
            path.unlink(missing_ok=True)
        raise
    for path, file in zip(waiting, written, strict=True):
        path.replace(file.path)
    for folder in {file.path.parent for file in written}:
        _sync(folder)


def kept_aside(files: Iterable[File], stamp: str) -> list[File]:
    """Return copies of what lies where these files will be, under names of their own, to be written with them."""
    held = [(file, read(file.path)) for file in files]
    return [
        File(path=file.path.with_name(f"{file.path.name}.before-{stamp}"), content=content, mode=file.mode)
        for file, content in held
        if content is not None
    ]


def _written_beside(file: File) -> Path:
    if file.path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file.path))
    _make_folder(file)
    path = file.path.with_name(f".{file.path.name}.new")
    path.unlink(missing_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET)
    try:
        with os.fdopen(number, "wb") as out:
            out.write(file.content)
            if file.owner:
                os.fchown(number, *file.owner)
            with contextlib.suppress(PermissionError):  # a USB stick with FAT keeps no modes
                os.fchmod(number, file.mode)
            out.flush()
            os.fsync(number)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):  # of an open file the system names no path
            raise OSError(error.errno, error.strerror, str(file.path)) from None
        raise
    return path


def _make_folder(file: File) -> None:
    folder = file.path.parent
    if folder.exists():
        return
    folder.mkdir(parents=True, mode=0o700)
    if file.mode != SECRET:
        with contextlib.suppress(PermissionError):
            folder.chmod(0o755)  # whatever the umask of whoever runs this: the service must get in
    if file.owner:
        os.chown(folder, *file.owner)


def _owner_of(state_dir: Path) -> tuple[int, int] | None:
    """Return the user and group that the gate runs as, where it is for us to say: root writes for the service."""
    if os.geteuid() != 0 or not state_dir.exists():
        return None
    found = state_dir.stat()
    return found.st_uid, found.st_gid


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
