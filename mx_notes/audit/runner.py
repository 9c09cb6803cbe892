"""An unmodified script under the audit, run as `python SCRIPT ARGS` would run it."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from ..errors import UserError
from ..runtime import mx
from .watch import StopAudit, Watch, audit


def run(
    script: Path, arguments: list[str], max_steps: int | None = None, attest: bool = False
) -> tuple[Watch, int]:
    """Run the script and return what was seen, and the script's own exit status.

    Raises UserError if the script can't be read or compiled.
    """
    try:
        code = compile(script.read_bytes(), str(script), "exec")
    except OSError as error:
        raise UserError(f"{script}: cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{script}: not a Python program: {error}") from None
    main = ModuleType("__main__")
    main.__file__ = str(script)
    before = sys.argv, sys.path[0], sys.modules["__main__"]
    sys.argv, sys.path[0] = [str(script), *arguments], str(script.resolve().parent)
    sys.modules["__main__"] = main
    status = 0
    try:
        with audit(max_steps, attest) as watch:
            try:
                exec(code, main.__dict__)
            except StopAudit:
                pass
            except SystemExit as leaving:
                status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
                if isinstance(leaving.code, str):
                    print(leaving.code, file=sys.stderr)
            except BaseException as error:
                status = 1
                own = error.__traceback__.tb_next  # without this file's frame
                traceback.print_exception(type(error), error, own)
        with suppress(mx.base.MXNetError):  # of an operator whose output the script never read
            mx.nd.waitall()
    finally:
        sys.argv, sys.path[0], sys.modules["__main__"] = before
    return watch, status
