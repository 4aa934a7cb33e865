"""The accounts at a start of the page: opened as they are, or begun anew where the file is damaged.

A gate whose accounts are lost must be got at again by somebody who stands before it: the start makes a first link then,
as the very first one did (first_link.py). What was damaged is kept beside, and the journal says so. Only the process
that serves does this; the command line says what is wrong and changes nothing.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from api.accounts import BESIDE, AccountsError, DamagedError, Store
from api.reports import Reports
from gate.model import Kind

log = logging.getLogger(__name__)


def open_accounts(path: Path, now_s: float) -> Store:
    """Return the opened accounts. Raises `AccountsError` where they can't be opened or begun."""
    try:
        store = Store(path)
    except DamagedError:
        return _begin_anew(path, now_s)
    try:
        store.check()
    except DamagedError:
        store.close()
        return _begin_anew(path, now_s)
    return store


def _begin_anew(path: Path, now_s: float) -> Store:
    aside = path.with_name(f"{path.name}.broken-{int(now_s)}")
    try:
        for suffix in BESIDE:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        text = f"the accounts in {path} are damaged and can't be kept aside ({error}); make the folder writable"
        raise AccountsError(text) from None
    log.error("%s is damaged; kept as %s, and begun anew: nobody is signed in any more", path, aside.name)
    store = Store(path)
    change = f"the accounts were damaged and are begun anew; the damaged file is {aside.name}"
    Reports(store).add(Kind.USER_CHANGED, {"user": "", "change": change}, None)
    return store
