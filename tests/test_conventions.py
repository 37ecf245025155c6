"""House rules that matter, as tests: who may import whom, where SQL and Kafka live, and how large things may be."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("customers", "knowledge", "tickets", "channels_app", "agent_runner")
OURS = (*APPS, "fte_project")
LEAVES = frozenset(
    [
        "events",
        "kafka",
        "notify",
        "db",
        "crash",
        "text",
        "models",
        "inbox",
        "roles",
        "schedule",
        "health",
        "markup",
        "embedded",
        "logs",
        "instance",
        "limits",
        "worker_role",
    ]
)
# The doors of the frame: they may know every app.
DOORS = frozenset(
    [
        "api",
        "staff_api",
        "urls",
        "asgi",
        "desk",
        "admin",
        "simulate",
        "simulate_mail",
        "demo_data",
        "management",
        "settings",
        "apps",
        "migrations",
    ]
)
MAY_IMPORT = {
    "customers": {"customers"},
    "knowledge": {"knowledge"},
    "tickets": {"tickets", "customers"},
    "channels_app": {"channels_app", "tickets", "customers"},
    "agent_runner": {"agent_runner", "tickets", "customers", "knowledge"},
}
# The admin's look is shared by the desks of all apps, and the desk is no work of theirs.
FOR_ADMINS = {"fte_project.desk", "fte_project.admin"}
TOP_LEVEL = frozenset(
    [
        "fte_project",
        "tickets",
        "customers",
        "knowledge",
        "channels_app",
        "agent_runner",
        "templates",
        "frontend",
        "tests",
        "manage.py",
        "requirements.txt",
        "README.md",
        "requirements-dev.txt",
        "requirements.in",
        "requirements-dev.in",
        "pyproject.toml",
        "Makefile",
        "deploy",
        "docs",
        ".env.example",
        ".gitignore",
        ".dockerignore",
        ".ci",
        "LICENSE",
        "CONTRIBUTING.md",
    ]
)
NO_HOME = {"services.py", "utils.py", "helpers.py", "common.py", "signals.py"}
MAX_FILE, MAX_FUNCTION = 400, 60


@cache
def tracked() -> tuple[str, ...]:
    """Files that git knows, or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip("this is not a git checkout")
    return tuple(name for name in result.stdout.splitlines() if (ROOT / name).exists())


def product_files() -> list[Path]:
    return sorted(
        path for package in OURS for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts
    )


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Every module of ours that the file imports, also inside functions and as a dotted path for import_string."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden(path: Path) -> list[str]:
    """What this file imports although DESIGN §3 does not let it."""
    package, module = path.relative_to(ROOT).parts[0], path.relative_to(ROOT).parts[1].removesuffix(".py")
    found = []
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top not in OURS:
            continue
        inside = rest.partition(".")[0]
        if package == "fte_project":
            allowed = module in DOORS or top == "fte_project"
        elif top == "fte_project":
            is_admin = path.name == "admin.py" and f"{top}.{inside}" in FOR_ADMINS
            allowed = inside in LEAVES or is_admin
        else:
            allowed = top in MAY_IMPORT[package]
        if not allowed:
            found.append(name)
    return found


@pytest.mark.parametrize("path", product_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_below_it(path: Path) -> None:
    assert forbidden(path) == []


def test_channels_and_the_assistant_do_not_know_each_other() -> None:
    for one, other in (("channels_app", "agent_runner"), ("agent_runner", "channels_app")):
        for path in (ROOT / one).rglob("*.py"):
            assert other not in re.findall(r"\b(?:channels_app|agent_runner)\b(?=\.)", path.read_text()), path


def test_the_leaves_import_no_app() -> None:
    missing = {leaf for leaf in LEAVES if not (ROOT / "fte_project" / f"{leaf}.py").is_file()}
    assert missing == set()
    for leaf in LEAVES:
        tops = {name.partition(".")[0] for name in imports(ROOT / "fte_project" / f"{leaf}.py")}
        assert not tops & set(APPS), leaf


def test_the_import_rule_would_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_conventions.ROOT", tmp_path)
    cases = {
        "customers/x.py": "from tickets.models import Ticket",
        "knowledge/x.py": "import customers.models",
        "tickets/x.py": "from knowledge.search import search",
        "channels_app/web_form/x.py": "def f():\n    from agent_runner.worker import answer",
        "agent_runner/x.py": "from channels_app.registry import sender",
        "tickets/y.py": "from fte_project.api import api",
        "fte_project/health.py": "from tickets.models import Ticket",
    }
    for name, text in cases.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        assert forbidden(path), name


def test_only_one_file_speaks_kafka() -> None:
    speaking = {str(p.relative_to(ROOT)) for p in product_files() if any(n.startswith("aiokafka") for n in imports(p))}
    assert speaking == {"fte_project/kafka.py"}


def is_built(node: ast.expr) -> bool:
    """Whether an expression puts a string together at run time."""
    match node:
        case ast.JoinedStr():
            return True
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            return True
        case ast.Call(func=ast.Attribute(attr="format" | "join" | "replace", value=value)):
            # psycopg.sql.SQL("…").format(…) composes safely; a str's format does not.
            return not (isinstance(value, ast.Call) and ast.unparse(value.func) in {"sql.SQL", "SQL"})
    return False


def unsafe_statements(tree: ast.AST) -> list[str]:
    built_names = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and is_built(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if node.func.attr in {"execute", "executemany", "raw", "extra", "RunSQL"}:
            first = node.args[0]
            if is_built(first) or (isinstance(first, ast.Name) and first.id in built_names):
                found.append(ast.unparse(node)[:100])
    return found


@pytest.mark.parametrize("path", product_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_statement_is_put_together_from_strings(path: Path) -> None:
    assert unsafe_statements(parsed(path)) == []


@pytest.mark.parametrize(
    "code",
    [
        'c.execute(f"SELECT {x}")',
        'c.execute("SELECT %s" % x)',
        'c.execute("SELECT " + x)',
        'c.execute("SELECT {}".format(x))',
        'c.execute(" ".join(parts))',
        's = f"SELECT {x}"\nc.execute(s)',
        'Ticket.objects.raw("SELECT " + x)',
    ],
)
def test_the_statement_rule_would_notice(code: str) -> None:
    assert unsafe_statements(ast.parse(code))


@pytest.mark.parametrize(
    "code", ['c.execute("SELECT %s", [x])', "c.execute(SEARCH_SQL, p)", 'c.execute(sql.SQL("LISTEN {}").format(y))']
)
def test_the_statement_rule_lets_parameters_pass(code: str) -> None:
    assert not unsafe_statements(ast.parse(code))


def test_files_and_functions_stay_small() -> None:
    too_large = []
    for path in product_files():
        if "migrations" in path.parts or path.name == "settings.py":
            continue
        name = str(path.relative_to(ROOT))
        lines = len(path.read_text().splitlines())
        if lines > MAX_FILE:
            too_large.append(f"{name}: {lines} lines")
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                span = (node.end_lineno or 0) - node.lineno + 1
                if span > MAX_FUNCTION:
                    too_large.append(f"{name}: {node.name}() has {span} lines")
    assert too_large == []


def test_no_module_is_named_after_nothing() -> None:
    assert [str(p) for p in product_files() if p.name in NO_HOME] == []


def test_the_top_level_holds_only_what_the_design_names() -> None:
    assert {name.split("/")[0] for name in tracked()} - TOP_LEVEL == set()


def test_every_package_is_one() -> None:
    folders = {path.parent for path in product_files()} | {p.parent for p in (ROOT / "tests").rglob("*.py")}
    assert [str(f) for f in folders if "__pycache__" not in f.parts and not (f / "__init__.py").is_file()] == []


def test_every_test_is_named_like_a_sentence() -> None:
    wrong, names = [], set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                wrong.append(f"{path.name}: {node.name} is a class")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
                if isinstance(node, ast.AsyncFunctionDef):
                    wrong.append(f"{path.name}: {node.name} is async")
                if not re.fullmatch(r"test(?:_[a-z0-9]+){2,}", node.name):
                    wrong.append(f"{path.name}: {node.name}")
                if (path, node.name) in names:
                    wrong.append(f"{path.name}: {node.name} stands twice")
                names.add((path, node.name))
    assert wrong == []


def test_no_test_sleeps() -> None:
    sleeping = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep", "sleep"}:
                seconds = node.args[0] if node.args else None
                if not (isinstance(seconds, ast.Constant) and seconds.value == 0):
                    sleeping.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert sleeping == []


def test_nothing_is_loaded_from_elsewhere() -> None:
    loading = []
    for path in [*(ROOT / "templates").rglob("*.html"), *ROOT.glob("*/static/**/*.css")]:
        text = path.read_text()
        if re.search(
            r"""(?:src|srcset)=["'](?:https?:)?//|<link[^>]+href=["'](?:https?:)?//|url\(["']?(?:https?:)?//""", text
        ):
            loading.append(str(path.relative_to(ROOT)))
    assert loading == []
