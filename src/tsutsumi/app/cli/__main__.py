"""`python -m tsutsumi.app.cli`: the same as `tsutsumi`."""

from tsutsumi.app.cli import main

if __name__ == "__main__":
    main()
