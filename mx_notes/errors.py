"""The errors that a user can act on."""


class UserError(Exception):
    """Something outside mx_notes is wrong: a file, a flag, the machine.

    The message is one line that names what is wrong and what would be right. The command line
    prints it without a traceback and exits with status 2.
    """
