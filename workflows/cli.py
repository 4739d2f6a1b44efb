"""The command line `rallax`.

Owns the program's frame: the commands found in `commands`, and how every error leaves it. What a command does is in
its own file of `commands`; a new file there is a new command.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .commands import register_all
from .errors import DONE, FAILED, WRONG, exit_code_of, one_line


class _Program(TyperGroup):
    """The group of all commands, with one place where exceptions become lines and exit codes."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        del prog_name, standalone_mode
        try:
            code = super().main(args, "rallax", complete_var, False, windows_expand_args, **extra)
            sys.stdout.flush()
        except BaseException as error:
            code = _leave(error)
        sys.exit(code if isinstance(code, int) else DONE)


def _leave(error: BaseException) -> int:
    """Say what went wrong on standard error, and give the exit code."""
    # typer leaves with SystemExit(1) where the reader has closed the pipe.
    if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):
        return _nobody_reads()
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "rallax"
        # Without a command the help has been printed, and there is nothing to add.
        if message := error.format_message().rstrip("."):
            _say(one_line(f"{command}: {message}; see '{command} --help'"))
        return WRONG
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        _say("rallax: interrupted")
        return FAILED
    code, lines = exit_code_of(error)
    if not lines:
        traceback.print_exception(error)
        lines = [one_line(f"rallax failed: {type(error).__name__}: {error}")]
    for line in lines:
        _say(line)
    return code


def _nobody_reads() -> int:
    """The reader (head, less) has what it wanted. Python flushes once more at its end: let that go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


app = typer.Typer(
    name="rallax",
    cls=_Program,
    epilog="Exit codes: 0 done, 2 the job or the call is wrong, 3 stopped early and resumable, 4 failed.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
register_all(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"rallax {version('rallax')}\n")
        raise typer.Exit(DONE)


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Fit biophysically detailed neurons to recordings: one job file, one command, a run that can be resumed."""


def main() -> None:
    """Run the program with the arguments of the process; ends the process."""
    typer.main.get_command(app)()


if __name__ == "__main__":
    main()
