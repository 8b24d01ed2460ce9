"""The command line: one file a verb.  Only this room parses arguments or prints.

Every verb's arguments are its function's signature, parsed by tyro, and imported only when that verb is asked for:
`byheart --help` needs neither tyro nor torch.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from byheart._version import __version__

__all__ = ["VERBS", "main"]

VERBS = {
    "audit": "Say whether the samples of a model are copies of its training images, how many are, and which images they copy.",
    "dedup": "Find duplicates in a training set: equal, flipped, shifted, cropped, rotated, blurred and noisy images.",
    "study": "Run a published experiment and write its report.",
    "sweep": "Run every combination of settings in a TOML file.",
    "run": "Go on with a run that was cut off.",
    "ls": "List the runs, or export their records as one table.",
    "report": "Write the report of a study, an audit or a deduplication again, from what is stored.",
    "claims": "Show which published statements were measured, and with what result.",
    "sample": "Draw samples from a trained run or from a closed form.",
    "theory crossover": "Forecast at which size a mixture model knows its data by heart.",
    "theory collapse": "Find the noise level below which the exact score of your data copies.",
    "theory terminal": "Say whether a regularized exact score still copies, and how often.",
    "data ls": "List the data sets and where they were found.",
    "version": "Say the versions of byheart and of what it stands on.",
}
"""Verb -> the first line of its help."""

GROUPS = {verb.split()[0] for verb in VERBS if " " in verb}
"""First words of verbs of two words."""

CONTINUED = {"study", "sweep", "run", "claims"}
"""Verbs whose work is stored as it goes on."""

DEBUG = "--debug"
HELP = {"-h", "--help", "help"}
INTERRUPTED = 130


EXIT_CODES = """Exit codes: 0 done; 1 an error (wrong words, your own code, the surroundings, or byheart); 130 interrupted.
audit has two more: 2 copying, or more copies than --fail-above; 3 cannot tell. No other code is ever given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code, one of EXIT_CODES, whatever happens in it.

    With --debug an error is raised in the place of being told.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    words = [word for word in given if word != DEBUG]
    from byheart.cli.streams import open_streams

    with open_streams(sys.stdout, sys.stderr), _polite_kill():
        return _answered(words, debug=DEBUG in given)


def _answered(words: Sequence[str], *, debug: bool) -> int:
    """Carry the words out, and tell what goes wrong."""
    try:
        code = _carry_out(words)
        sys.stdout.flush()  # a disk that is full may say so only here
        return code
    except KeyboardInterrupt:
        continued = words[:1] and (words[0] in CONTINUED or "--checkpoints" in words)
        print(
            "\ninterrupted" + "; the same command continues where it stopped" * bool(continued),
            file=sys.stderr,
        )
        return INTERRUPTED
    except BaseException as error:
        if debug and not isinstance(
            error, SystemExit
        ):  # which would end the process with somebody else's code
            raise
        return _told(error)


def _told(error: BaseException) -> int:
    from byheart.cli.errors import explained

    print(explained(error), file=sys.stderr)
    return 1


@contextmanager
def _polite_kill() -> Iterator[None]:
    """Make a polite kill an interrupt: workers are stopped, and the run can be resumed."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # called in a thread, which cannot be asked to stop
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def group_overview(group: str) -> str:
    """The page of `byheart GROUP --help`."""
    return f"usage: byheart {group} VERB …\n\n{_listed(group + ' ')}\n\nbyheart {group} VERB --help shows what a verb takes."


def _listed(beginning: str = "") -> str:
    return "\n".join(
        f"  {verb:<15} {summary}" for verb, summary in VERBS.items() if verb.startswith(beginning)
    )


def overview() -> str:
    """The page of `byheart --help`."""
    return f"""usage: byheart VERB …

Does a diffusion model know its training data by heart?  When will it?  Why?  What prevents it?

{_listed()}

byheart VERB --help shows what a verb takes; --debug, anywhere, shows the traceback of an error.
{EXIT_CODES}

First: byheart study onset --scale demo"""


def _carry_out(words: Sequence[str]) -> int:
    if (page := _page(words)) is not None:
        print(page)
        return 0
    # One thread a process, before torch reads it: on a busy machine two threads that wait for each other are many times
    # slower than one.  Whoever sets the variable decides.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Imports make objects that stay: looking through them for garbage, again and again, takes a tenth of the start.
    gc.set_threshold(50_000)
    verb, function, rest = _verb(words)
    call = _parsed(verb, function, rest)
    return 0 if call is None else call()


def _page(words: Sequence[str]) -> str | None:
    """Choose what is printed where no verb is asked for, or help of a group of verbs; None for a verb."""
    if not words or words[0] in HELP:
        return overview()
    if words == ["--version"]:
        return f"byheart {__version__}"
    if words[0] in GROUPS and (len(words) == 1 or words[1] in HELP):
        return group_overview(words[0])
    return None


def _parsed(verb: str, function: Callable[..., int], words: list[str]) -> Callable[[], int] | None:
    """The function with its arguments, or None where help was asked for and shown.

    Raises InputError for arguments that the function does not take.
    """
    from contextlib import redirect_stderr
    from functools import partial
    from io import StringIO

    from tyro import cli, conf

    from byheart.cli.usage import check_flags, refused

    check_flags(verb, function, words)

    def call(*values: object, **named: object) -> Callable[[], int]:
        return partial(function, *values, **named)

    _show_as(function, call)
    said = StringIO()
    try:
        with redirect_stderr(said):
            return cli(call, prog=f"byheart {verb}", args=words, config=(conf.FlagCreatePairsOff,))
    except SystemExit as end:  # the parser's own 2 means something else here
        if not end.code:
            return None
    raise refused(verb, said.getvalue())


def _show_as(function: Callable[..., int], call: Any) -> None:
    """Give `call` the name, the arguments and the help of a verb, as the parser reads them.

    The help shows no default of None, False or (): its words say what happens without such an option.
    """
    from functools import update_wrapper
    from inspect import signature
    from typing import Annotated, get_type_hints

    from tyro.conf import arg

    own, hints = signature(function), get_type_hints(function, include_extras=True)
    for name, parameter in own.parameters.items():
        if parameter.default is None or parameter.default is False or parameter.default == ():
            hints[name] = Annotated[hints[name], arg(help_behavior_hint="")]
    update_wrapper(call, function)
    del call.__wrapped__  # else the parser reads the annotations of the verb itself
    call.__annotations__, call.__signature__ = hints, own


def _verb(words: Sequence[str]) -> tuple[str, Callable[..., int], list[str]]:
    for length in (2, 1):
        verb = " ".join(words[:length])
        if verb in VERBS:
            place = verb.split()
            module = import_module(".".join(["byheart.cli", *place]))
            return verb, getattr(module, place[-1]), list(words[length:])
    from byheart._checks import InputError, meant

    said = " ".join(words[:2]) if words[0] in GROUPS else words[0]
    raise InputError(
        got=f"the verb {said!r}",
        need="one of " + ", ".join(VERBS),
        remedy=meant(said, VERBS) + "see `byheart --help`",
    )
