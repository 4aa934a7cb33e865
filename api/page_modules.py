"""The page's modules as they are served: what `main.js` imports at once in one file, all the rest in another.

On 4G each further request costs a tenth of a second, and many small files compress worse than one. So the first view
comes with `main.js`, and whatever is opened first afterwards brings `later.js` with all other views. Modules keep their
own scopes: each becomes a function that is called once, in the order of its imports. What is loaded later takes from
`main.js` what went into it, so that there is one state of the page and not two.

This is no bundler. It knows the few forms of `import` and `export` that the page's style allows, at the beginning of a
line, and refuses every other (`ModuleFormError`): a test reads the real page with it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence

ENTRY, REST = "main.js", "later.js"
NAMED = re.compile(r'^import \{([^}]+)\} from "(\.[^"]+)";\n', re.MULTILINE)
WHOLE = re.compile(r'^import \* as (\w+) from "(\.[^"]+)";\n', re.MULTILINE)
LATER = re.compile(r'\bimport\("(\.[^"]+)"\)')
CHOSEN = re.compile(r"\bimport\(`\./(\w+)/\$\{(\w+)\}\.js`\)")
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
OTHER_FORMS = re.compile(r"^(?:import|export)\b(?!\().*|^await\b.*", re.MULTILINE)


class ModuleFormError(ValueError):
    """A module is written in a form that can't be joined."""


def joined(modules: Mapping[str, str]) -> dict[str, str]:
    """Return `main.js` and `later.js` of the modules (path in the page → source). Raises `ModuleFormError`."""
    at_once: list[str] = []
    _follow(ENTRY, modules, at_once, ())
    order = list(at_once)
    for path in sorted(modules):
        _follow(path, modules, order, ())
    first, late = at_once[:-1], order[len(at_once) :]
    main = [_scope(path, modules[path], late) for path in first]
    main += [_linked(ENTRY, modules[ENTRY], late), f"export {{ {_names(first)} }};\n"]
    rest = [f'import {{ {_names(first)} }} from "./{ENTRY}";\n', *(_scope(path, modules[path], late) for path in late)]
    return {ENTRY: "".join(main), REST: "".join([*rest, f"export {{ {_names(late)} }};\n"])}


def _follow(path: str, modules: Mapping[str, str], order: list[str], above: tuple[str, ...]) -> None:
    """Put what `path` imports, then itself, into `order`."""
    if path in above:
        raise ModuleFormError(f"{' → '.join((*above, path))}: a circle of imports")
    if path in order:
        return
    if path not in modules:
        raise ModuleFormError(f"{above[-1]} imports {path}, which does not exist")
    for form in (NAMED, WHOLE):
        for _, target in form.findall(modules[path]):
            _follow(_seen_from(path, target), modules, order, (*above, path))
    order.append(path)


def _scope(path: str, source: str, late: Sequence[str]) -> str:
    """Return a module as a constant that holds its exports."""
    exports, body = ", ".join(EXPORT.findall(source)), _linked(path, EXPORT.sub("", source), late)
    return f"const {_name(path)} = (() => {{\n{body}return {{ {exports} }};\n}})();\n"


def _linked(path: str, source: str, late: Sequence[str]) -> str:
    """Return a module in which imports are constants, and what is loaded later comes from its file."""

    def taken(found: re.Match[str]) -> str:
        return f"const {{{found[1].replace(' as ', ': ')}}} = {_name(_seen_from(path, found[2]))};\n"

    def loaded(found: re.Match[str]) -> str:
        target = _seen_from(path, found[1])
        if target not in late:
            raise ModuleFormError(f"{path} loads {target} later, which is there already or does not exist")
        return f'import("./{REST}").then((late) => late.{_name(target)})'

    body = NAMED.sub(taken, source)
    body = WHOLE.sub(lambda found: f"const {found[1]} = {_name(_seen_from(path, found[2]))};\n", body)
    if found := OTHER_FORMS.search(body):
        raise ModuleFormError(f"{path}: this form of import or export is not known here: {found[0]}")
    body = CHOSEN.sub(rf'import("./{REST}").then((late) => late[`$\1_${{\2}}`])', body)
    return LATER.sub(lambda found: found[0] if found[1] == f"./{REST}" else loaded(found), body) + "\n"


def _seen_from(path: str, target: str) -> str:
    """Return the path in the page of what `path` calls `target`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _name(path: str) -> str:
    return "$" + re.sub(r"\W", "_", path.removesuffix(".js"))


def _names(paths: Sequence[str]) -> str:
    return ", ".join(map(_name, paths))
