"""The rules of this repository that are a few lines of code: a function each, one file in, line and message out."""

from __future__ import annotations

import ast
import itertools
import re
import tomllib
from collections.abc import Iterator
from functools import cached_property

import pglast

from tools.lint.files import ROOT

# Nothing of reelq is imported: lint has to work while it is broken.
ROOMS = "|".join(path.name.split("_", 1)[1] for path in (ROOT / "sql" / "schema").iterdir() if path.is_dir())
PRODUCT = ("worker/", "cli/", "reelq/")
Findings = Iterator[tuple[int, str]]

# What only one place may touch. import-linter forbids modules to modules, not a library to all but one.
ONE_IMPORTER = {
    "boto3": r"worker/stores/\w+\.py",  # a store is several files
    "botocore": r"worker/stores/\w+\.py",
    "subprocess": r"worker/(sandbox/child|private_postgres/\w+|backup/programs)\.py",  # limits around any child; a server of our own; pg_dump
    "procrastinate": r"worker/periodic\.py",
}


class Source:
    """A file, read and parsed once."""

    def __init__(self, path: str, text: str | None = None) -> None:
        self.path = path
        self.text = (ROOT / path).read_text(encoding="utf-8") if text is None else text

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of a Python file; none when it does not parse, which ruff says better."""
        try:
            return list(ast.walk(ast.parse(self.text)))
        except SyntaxError:
            return []

    @cached_property
    def lines(self) -> list[str]:
        """The text's lines."""
        return self.text.splitlines()

    def is_python_of(self, *folders: str) -> bool:
        """Whether it is Python below one of these folders."""
        return self.path.endswith(".py") and self.path.startswith(folders)


def a_library_has_one_importer(source: Source) -> Findings:
    """See ONE_IMPORTER."""
    if not source.is_python_of(*PRODUCT):
        return
    for node in source.nodes:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for library in {name.split(".")[0] for name in names} & ONE_IMPORTER.keys():
            if not re.fullmatch(ONE_IMPORTER[library], source.path):
                yield getattr(node, "lineno", 1), f"only {ONE_IMPORTER[library]} imports {library}"


def our_packages_are_imported_by_their_whole_name(source: Source) -> Findings:
    """`import worker` works in a checkout alone, as a second copy of every module; also in the scripts that tests start."""
    if not source.is_python_of(*PRODUCT, "demo/", "benchmarks/", "tools/", "tests/"):
        return
    for number, line in enumerate(source.lines, 1):
        if re.search(r"\bfrom (worker|cli|sql)(\.\w+)* import\b|^\s*import (worker|cli|sql)\b|-m (worker|cli|sql)\.", line):
            yield number, "the package is reelq.worker, reelq.cli or reelq.sql"


def only_settings_read_the_environment(source: Source) -> Findings:
    """All mistakes in settings are reported together."""
    if not source.is_python_of(*PRODUCT) or source.path == "worker/settings.py":
        return
    for node in source.nodes:
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb", "putenv")) or (
            isinstance(node, ast.ImportFrom) and node.module == "os" and {"environ", "getenv"} & {a.name for a in node.names}
        ):
            yield node.lineno, "only worker/settings.py reads the environment"


def only_output_prints(source: Source) -> Findings:
    """Data to stdout, all else to stderr: one file knows."""
    if source.is_python_of(*PRODUCT) and source.path != "cli/terminal/output.py":
        for node in source.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                yield node.lineno, "only cli/terminal/output.py prints"


def no_error_is_swallowed_without_a_word(source: Source) -> Findings:
    """`except …: pass` has its reason on the same line, and never catches everything."""
    if not source.is_python_of(*PRODUCT, "demo/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and len(node.body) == 1 and isinstance(node.body[0], ast.Pass):
            if node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")):
                yield node.lineno, "`pass` swallows every error"
            elif "#" not in source.lines[node.body[0].lineno - 1]:
                yield node.lineno, "`pass` swallows an error: give the reason on its line"


def tests_wait_for_events_and_do_not_sleep(source: Source) -> Findings:
    """Stand-ins of other programs may."""
    if source.is_python_of("tests/") and re.search(r"/(test_|conftest)", source.path):
        for node in source.nodes:
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep"):
                yield node.lineno, "a test waits for an event and does not sleep"


def sql_parses_also_inside_plpgsql_bodies(source: Source) -> Findings:
    """With Postgres' own parser."""
    if not source.path.endswith(".sql"):
        return
    start = 0
    try:
        for raw in pglast.parse_sql(source.text):
            start = raw.stmt_location or 0
            statement = source.text[raw.stmt_location :][: raw.stmt_len or None]
            if re.search(r"^language plpgsql", statement, flags=re.MULTILINE) or isinstance(raw.stmt, pglast.ast.DoStmt):
                # Outside a server it knows no types of ours; what they are called is not syntax.
                pglast.parse_plpgsql(re.sub(rf"\b({ROOMS})\.(?=[a-z])", "public.", statement))
    except pglast.parser.ParseError as error:
        place = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], int) else start
        yield source.text[:place].count("\n") + 1, str(error.args[0])


PLACES = (
    (r"sql/(grants|ledger)\.sql", ""),
    (r"sql/schema/\d\d_[a-z]+/\d\d_[a-z0-9_]+\.sql", ""),
    (r"sql/functions/([a-z]+)/(?:[a-z]+/)?([a-z0-9_]+)\.sql", "function"),
    (r"sql/views/([a-z]+)/([a-z0-9_]+)\.sql", "view"),
    (r"sql/data/[a-z]+_[a-z0-9_]+\.sql", ""),
    (r"sql/migrations/\d{4}_[a-z0-9_]+\.sql", ""),
)


def sql_lies_where_the_runner_finds_it(source: Source) -> Findings:
    """Elsewhere it would never be installed. A function's or view's file is named after it, in the folder of its room."""
    if not source.path.startswith("sql/") or not source.path.lower().endswith(".sql"):
        return
    found = next(((match, kind) for place, kind in PLACES if (match := re.fullmatch(place, source.path))), None)
    if found is None:
        yield 1, "the schema runner reads no file here: sql/README.md, The rooms, says where each kind lies"
    elif found[1]:
        room, name = found[0].groups()
        made = re.findall(rf"^create or replace {found[1]}\s+([a-z_]+\.[a-z0-9_]+)", source.text, re.MULTILINE)
        if made != [f"{room}.{name}"]:
            yield 1, f"the file has to make {found[1]} {room}.{name} and no other, not {' and '.join(made) or 'none'}"


def sqlfluff_reads_every_file(source: Source) -> Findings:
    """It skips files over 40 kB and still says that all is well."""
    if source.path.endswith(".sql") and len(source.text.encode()) > 40_000:
        yield 1, "sqlfluff skips files over 40 kB: one function a file"


def a_migration_says_how_to_go_back(source: Source) -> Findings:
    """Its head has `-- back: …`, or says that there is no way back."""
    if re.fullmatch(r"sql/migrations/[^/]+\.sql", source.path):
        head = itertools.takewhile(lambda line: line.startswith("--"), source.lines)
        if not any(line.startswith("-- back: ") for line in head):
            yield 1, "a migration begins with `-- back: …`, or says that there is no way back"


def a_lock_holds_hashes_and_no_addresses(source: Source) -> Findings:
    """An address in a lock would send everybody to one machine's index."""
    if not re.fullmatch(r"requirements[\w-]*\.lock", source.path):
        return
    for number, line in enumerate(source.lines, 1):
        if "://" in line:
            yield number, "a lock holds no address"
        if re.match(r"[\w.-]+==", line) and "--hash=sha256:" not in "".join(source.lines[number - 1 : number + 1]):
            yield number, "no hash"


def the_lock_has_every_dependency(source: Source) -> Findings:
    """Of the product and of every group."""
    if source.path not in ("pyproject.toml", "requirements.lock"):
        return
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *(one for group in project["dependency-groups"].values() for one in group)]
    names = {re.split(r"[\[<>=~! ]", line, maxsplit=1)[0].lower() for line in wanted}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {name.lower() for name in re.findall(r"^([\w.-]+)==", lock, flags=re.MULTILINE)}
    for name in sorted(names - locked):
        yield 1, f"requirements.lock lacks {name}: run the export that pyproject.toml names"


def ci_runs_the_test_command_and_nothing_else(source: Source) -> Findings:
    """Whoever has the README can do what CI does."""
    if source.path == ".ci/run":
        code = [line for line in source.lines if line and not line.startswith("#")]
        if code != ['exec "$(dirname -- "$0")/../run" test']:
            yield 1, "CI runs `./run test` and nothing else"


RULES = (
    a_library_has_one_importer,
    our_packages_are_imported_by_their_whole_name,
    only_settings_read_the_environment,
    only_output_prints,
    no_error_is_swallowed_without_a_word,
    tests_wait_for_events_and_do_not_sleep,
    sql_parses_also_inside_plpgsql_bodies,
    sql_lies_where_the_runner_finds_it,
    sqlfluff_reads_every_file,
    a_migration_says_how_to_go_back,
    a_lock_holds_hashes_and_no_addresses,
    the_lock_has_every_dependency,
    ci_runs_the_test_command_and_nothing_else,
)
TEXT = (".py", ".sql", ".toml", ".lock", ".ci/run")


def check(paths: list[str]) -> list[str]:
    """All rules on these files."""
    found = []
    for path in paths:
        if path.endswith(TEXT):
            source = Source(path)
            found += [f"{path}:{line}: {message}" for rule in RULES for line, message in rule(source)]
    return found
