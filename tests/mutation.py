"""Does anybody notice when a rule is wrong? Small faults go into the rules, and the stories must fail: `make mutation`.

A mutant is one change of one function (`Mutator` lists them). It is made in a forked child, by giving the live
function the changed code, so tables and partials hold it too, no file is touched, and nothing is collected twice. The
child tells the stories of `TOPICS`, those that killed its neighbours first, until one fails. Who survives these counts
as a survivor, whatever other stories would say: the share of the killed that is printed is a lower bound. All stories
are told once before the hunt without any change: one that fails even so kills nobody, and is named. The stories of the
keeper run on the real clock: one of them must fail twice.

Tables are not mutated here: `tests/gate/test_cells.py` takes their rows out one by one. docs/mutation.md says how far
it came, who survived and why, and why this is not `mutmut`.

`python -m tests.mutation` mutates everything; `--sample N` a seeded part; `--only moves,bars` some files;
`--matching "expire: without"` the mutants of that name, as after a survivor was looked at.
"""

from __future__ import annotations

import argparse
import ast
import gc
import os
import random
import select
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).parents[1]
RULES = ("machine", "bars", "guards", "moves", "drives", "senses", "proof", "standing", "unattended", "watch", "wishes",
         "travel", "steps", "turn", "keeper")  # fmt: skip
NOT_HERE = frozenset({"keeper.main"})
"""A process of its own: tests/program and tests/bench kill it, not this."""
PARAMETERS = 2
"""Of a story with parameters so many are told, except where they are the rows of a table (`TABLES`)."""
TABLES = frozenset({"bars", "drives", "silence"})
LONGEST_S = 40
"""A story that takes longer hangs, and has noticed the mutant."""
TOPICS = {
    "machine": "kept silence rules modes alarms edge priority unattended momentary step leaving learning found"
    " controller",
    "bars": "bars priority modes edge unattended step rules",
    "guards": "edge priority momentary step modes",
    "moves": "rules edge step momentary learning modes leaving",
    "drives": "drives momentary step edge rules unattended silence leaving",
    "senses": "rules kept momentary step edge silence",
    "proof": "modes rules step edge kept momentary",
    "standing": "modes priority momentary unattended",
    "unattended": "unattended modes leaving",
    "watch": "alarms edge silence",
    "wishes": "modes edge kept rules momentary step alarms",
    "travel": "learning rules",
    "steps": "steps step",
    "turn": "alarms modes edge rules momentary",
    "keeper": "keeper",
}
"""Which stories are told to the mutants of a file, the most likely killers first."""
SHELLS = frozenset({"link"})
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change: where, what it does, and the code of the function that has it."""

    module: str
    function: str
    line: int
    what: str
    code: CodeType

    @property
    def name(self) -> str:
        """How a report calls it."""
        return f"gate/{self.module}.py:{self.line} {self.function}: {self.what}"


class Mutator:
    """Lists the mutants of one module."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.path = ROOT / "gate" / f"{module}.py"
        self.tree = ast.parse(self.path.read_text())

    def mutants(self) -> Iterator[Mutant]:
        """Yield every mutant of every function."""
        for prefix, function in self._functions():
            name = prefix + function.name
            if f"{self.module}.{name}" in NOT_HERE:
                continue
            for node in self._nodes(function):
                for what, change, undo in self._changes(node):
                    change()
                    code = self._compile(name)
                    undo()
                    if code is not None:
                        line = getattr(node, "lineno", function.lineno)
                        yield Mutant(module=self.module, function=name, line=line, what=what, code=code)

    def _functions(self) -> Iterator[tuple[str, ast.FunctionDef]]:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                yield "", node
            elif isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef):
                        yield f"{node.name}.", inner

    def _nodes(self, function: ast.FunctionDef) -> Iterator[ast.AST]:
        """Yield what may be changed, in order: no docstrings, no annotations, no defaults."""
        body = function.body[1:] if ast.get_docstring(function) else function.body
        waiting: list[ast.AST] = list(reversed(body))
        while waiting:
            node = waiting.pop()
            yield node
            skipped = {node.annotation} if isinstance(node, ast.AnnAssign) else set()
            if isinstance(node, ast.JoinedStr):
                continue
            waiting += [child for child in reversed([*ast.iter_child_nodes(node)]) if child not in skipped]

    def _changes(self, node: ast.AST) -> Iterator[tuple[str, Change, Change]]:
        yield from _operators(node)
        yield from _conditions(node)
        yield from _values(node)
        yield from _statements(node)

    def _compile(self, name: str) -> CodeType | None:
        try:
            code: CodeType | None = compile(ast.fix_missing_locations(self.tree), str(self.path), "exec")
        except SyntaxError:
            return None
        for part in name.split("."):
            inner = code.co_consts if code is not None else ()
            code = next((each for each in inner if isinstance(each, CodeType) and each.co_name == part), None)
        return code


class Change:
    """Sets one field of one node."""

    def __init__(self, node: ast.AST, field: str, value: object) -> None:
        self.node, self.field, self.value = node, field, value

    def __call__(self) -> None:
        setattr(self.node, self.field, self.value)


def _set(node: ast.AST, field: str, value: object) -> tuple[Change, Change]:
    return Change(node, field, value), Change(node, field, getattr(node, field))


def _operators(node: ast.AST) -> Iterator[tuple[str, Change, Change]]:
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            swapped = SWAPS.get(type(op))
            if swapped is not None:
                ops = [*node.ops]
                ops[index] = swapped()  # type: ignore[call-overload] # a comparison for a comparison
                yield f"{type(op).__name__} becomes {swapped.__name__}", *_set(node, "ops", ops)
    elif isinstance(node, ast.BoolOp | ast.BinOp):
        swapped = SWAPS.get(type(node.op))
        if swapped is not None:
            yield f"{type(node.op).__name__} becomes {swapped.__name__}", *_set(node, "op", swapped())
    if isinstance(node, ast.BoolOp):
        for index, value in enumerate(node.values):
            left = [each for each in node.values if each is not value]
            yield f"without {ast.unparse(value)!r} ({index})", *_set(node, "values", [*left, left[-1]])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "without not", *_set(node, "operand", _negated(node.operand))


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(op=ast.Not(), operand=test)


def _conditions(node: ast.AST) -> Iterator[tuple[str, Change, Change]]:
    if isinstance(node, ast.If | ast.IfExp):
        yield f"if not ({ast.unparse(node.test)})", *_set(node, "test", _negated(node.test))


def _values(node: ast.AST) -> Iterator[tuple[str, Change, Change]]:
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            yield f"{value} becomes {not value}", *_set(node, "value", not value)
        elif isinstance(value, int | float):
            yield f"{value} becomes {value + 1}", *_set(node, "value", value + 1)
        elif isinstance(value, str) and value:
            yield f"{value!r} becomes another word", *_set(node, "value", f"{value}?")
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield f"return None for {ast.unparse(node.value)[:60]}", *_set(node, "value", ast.Constant(None))
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {
        "replace",
        "Move",
        "Standing",
        "Pending",
        "Ending",
    }:
        for keyword in node.keywords:
            left = [each for each in node.keywords if each is not keyword]
            yield f"without {keyword.arg}= in {ast.unparse(node.func)}()", *_set(node, "keywords", left)


def _statements(node: ast.AST) -> Iterator[tuple[str, Change, Change]]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield f"without {ast.unparse(node)[:70]}", *_set(node, "value", ast.Constant(None))


# ------------------------------------------------------------------------------------------------------ the hunt


def live(module: str, name: str) -> FunctionType:
    """Return the function of that name as it lives in its module."""
    found: object = import_module(f"gate.{module}")
    for part in name.split("."):
        found = vars(found)[part]
    if isinstance(found, property):
        found = found.fget
    assert isinstance(found, FunctionType), name
    return found


class Hunt:
    """A pytest plugin that, instead of telling the stories once, tells them to each mutant."""

    def __init__(self, mutants: list[Mutant], jobs: int) -> None:
        self.mutants, self.jobs = mutants, jobs
        self.survivors: list[Mutant] = []
        self.killed: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.topics: dict[str, list[int]] = defaultdict(list)
        self.killers: dict[str, list[int]] = defaultdict(list)
        self.all_killers: Counter[int] = Counter()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hunt, instead of telling each story once."""
        self._sort(session.items)
        gc.freeze()
        self._leave_out_what_fails_anyway(session.items)
        self._hunt(session.items)
        return True

    def _sort(self, items: list[pytest.Item]) -> None:
        """File the stories by their topic, a few of each with parameters."""
        told: Counter[str] = Counter()
        for number, item in enumerate(items):
            story = item.nodeid.partition("[")[0]
            told[story] += 1
            topic = item.path.stem.removeprefix("test_").removeprefix("rules_")
            is_told = topic in TABLES or told[story] <= PARAMETERS
            if is_told and SHELLS.isdisjoint(getattr(item, "fixturenames", ())):
                self.topics[topic].append(number)

    def _leave_out_what_fails_anyway(self, items: list[pytest.Item]) -> None:
        """Tell all the stories once with the rules as they are."""
        topics = {topic for mutant in self.mutants for topic in TOPICS[mutant.module].split()}
        reader, writer = os.pipe()
        if os.fork() == 0:
            for number in sorted(number for topic in topics for number in self.topics[topic]):
                if self._fails(items[number]):
                    os.write(writer, f"{number} ".encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as failed:
            left_out = {int(number) for number in failed.read().split()}
        os.wait()
        for number in sorted(left_out):
            print(f"LEFT OUT {items[number].nodeid}: it fails without any change", flush=True)
        self.topics = defaultdict(
            list, {topic: [n for n in numbers if n not in left_out] for topic, numbers in self.topics.items()}
        )

    def _fails(self, item: pytest.Item) -> bool:
        with redirect_stdout(StringIO()):
            return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))

    def _order(self, mutant: Mutant) -> list[int]:
        """Return the stories to tell: those that killed its neighbours first."""
        same = self.killers[f"{mutant.module}.{mutant.function}"]
        stories = [number for topic in TOPICS[mutant.module].split() for number in self.topics[topic]]
        known = sorted(stories, key=lambda number: -self.all_killers[number])
        return [*dict.fromkeys([*reversed(same), *known])]

    def _hunt(self, items: list[pytest.Item]) -> None:
        waiting, running = [*self.mutants], dict[int, tuple[int, Mutant]]()
        done = 0
        while waiting or running:
            while waiting and len(running) < self.jobs:
                mutant = waiting.pop(0)
                order = self._order(mutant)
                reader, writer = os.pipe()
                pid = os.fork()
                if pid == 0:
                    os.close(reader)
                    self._try(mutant, order, items, writer)
                os.close(writer)
                running[reader] = (pid, mutant)
            ready, _, _ = select.select([*running], [], [])
            for reader in ready:
                pid, mutant = running.pop(reader)
                said = os.read(reader, 64).decode()
                os.close(reader)
                os.waitpid(pid, 0)
                self._book(mutant, said)
                done += 1
                if done % 25 == 0:
                    print(f"{done} tried, {self.killed.total()} killed", flush=True)

    def _try(self, mutant: Mutant, order: list[int], items: list[pytest.Item], writer: int) -> None:
        """Be the mutant: never returns. Says which story failed, "timeout" by dying, or that it survived."""
        live(mutant.module, mutant.function).__code__ = mutant.code
        said = "survived"
        for number in order:
            signal.alarm(LONGEST_S)
            if self._fails(items[number]) and (mutant.module != "keeper" or self._fails(items[number])):
                said = str(number)
                break
        os.write(writer, said.encode())
        os._exit(0)

    def _book(self, mutant: Mutant, said: str) -> None:
        self.total[mutant.module] += 1
        if said == "survived":
            self.survivors.append(mutant)
            print(f"SURVIVED {mutant.name}", flush=True)
            return
        self.killed[mutant.module] += 1
        if not said:
            print(f"HUNG {mutant.name}", flush=True)
        else:
            self.killers[f"{mutant.module}.{mutant.function}"].append(int(said))
            self.all_killers[int(said)] += 1


def main() -> int:
    """Hunt, and print a table."""
    parser = argparse.ArgumentParser(description="Small faults in the rules that the stories must notice.")
    parser.add_argument("--only", default=",".join(RULES), help="files, with commas")
    parser.add_argument("--sample", type=int, help="so many mutants of each hundred, chosen by a seed")
    parser.add_argument("--matching", default="", help="only mutants whose name in the report has this in it")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    mutants = [mutant for module in asked.only.split(",") for mutant in Mutator(module).mutants()]
    mutants = [mutant for mutant in mutants if asked.matching in mutant.name]
    if asked.sample:
        chance = random.Random(2026)
        mutants = [mutant for mutant in mutants if chance.random() * 100 < asked.sample]
    print(f"{len(mutants)} mutants", flush=True)
    hunt = Hunt(mutants, asked.jobs)
    stories = [
        str(path)
        for name in ("rules", "steps", "keeper", "controller")
        for path in (ROOT / "tests/gate").glob(f"test_{name}*.py")
    ]
    code = pytest.main(["-q", "-s", "-p", "no:cacheprovider", *stories], plugins=[hunt])
    for module, total in hunt.total.items():
        print(f"| {module}.py | {total} | {hunt.killed[module]} | {hunt.killed[module] / total:.1%} |")
    everything = hunt.total.total()
    print(f"| all | {everything} | {hunt.killed.total()} | {hunt.killed.total() / max(1, everything):.1%} |")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
