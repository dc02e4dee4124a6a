"""The one exception that says "your input, not our code"."""


class InputError(ValueError):
    """Something the caller gave cannot be used.

    The message names the value, the limit and the remedy. The command line prints it and exits with 2.
    """
