"""The command line, thin: a file for each command, which reads arguments, calls the library, and prints."""

from realtime_kit.cli.command_line import commands, main, run

__all__ = ["commands", "main", "run"]
