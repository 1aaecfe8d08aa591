"""`python -m bitlocal`: the command line."""

from bitlocal.cli.main import main

main()
