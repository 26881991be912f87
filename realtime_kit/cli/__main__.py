"""`python -m realtime_kit.cli`: the command line without its script."""

from realtime_kit.cli.command_line import main

main()
