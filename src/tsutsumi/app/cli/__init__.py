"""The command line (コマンド): `tsutsumi COMMAND`, each command in a file of its own."""

import sys
from importlib import import_module

import cyclopts
from rich.console import Group

from tsutsumi import __version__
from tsutsumi.app.cli.failure import BAD_USE, reported

COMMANDS = {
    "demo": "tsutsumi.app.cli.demo:demo",
    "init": "tsutsumi.app.cli.house:init",
    "load": "tsutsumi.app.cli.house:load",
    "close": "tsutsumi.app.cli.close:close",
    "verify": "tsutsumi.app.cli.verify:verify",
    "export": "tsutsumi.app.cli.export:export",
    "explain": "tsutsumi.app.cli.explain:explain",
    "fees": "tsutsumi.app.cli.fees:app",
    "advice": "tsutsumi.app.cli.advice:advice",
    "advise": "tsutsumi.app.cli.advise:app",
    "goal": "tsutsumi.app.cli.goal:goal",
    "calibration": "tsutsumi.app.cli.calibration:calibration",
    "suitability": "tsutsumi.app.cli.suitability:suitability",
    "bench": "tsutsumi.app.cli.bench:app",
}
HELP = """Tsutsumi (包み): a wrap house, closed to the yen every business day.

Exit codes: 0 done, 1 something fell short, 2 bad use or bad input."""


def _usage_line(error: cyclopts.CycloptsError) -> Group:
    """Print a wrong use as one line on stderr; nothing more to print."""
    command = " ".join(["tsutsumi", *(error.command_chain or ())])
    print(f"{command}: {' '.join(str(error).split())} See {command} --help.", file=sys.stderr)
    return Group()


def build() -> cyclopts.App:
    """Return the application; a command's module is imported only when the command is used or described."""
    app = cyclopts.App(
        name="tsutsumi", help=HELP, help_format="markdown", version=__version__, error_formatter=_usage_line,
        result_action="return_value",
    )
    for name, where in COMMANDS.items():
        module, attribute = where.split(":")
        if len(sys.argv) > 1 and sys.argv[1] in COMMANDS and sys.argv[1] != name:
            continue
        app.command(getattr(import_module(module), attribute), name=name)
    return app


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        result = build()(arguments, exit_on_error=False, print_error=True)
    except cyclopts.CycloptsError:
        return BAD_USE
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of `tsutsumi`."""
    with reported():
        sys.exit(run())
