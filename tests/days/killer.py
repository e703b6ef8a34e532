"""Close a house and die by SIGKILL at the n-th moment of a kind (強制終了の試験); run as a program:

`python killer.py MOMENT NTH HOUSE THROUGH`. A moment is a write (half of it is written), or just before or after an fsync, a
rename, a removal, or a commit that changes something, in the house's database or in the custodian's. `none` lives to the end.
"""

import os
import signal
import sqlite3
import sys
from pathlib import Path

MOMENTS = (
    "write-torn", "fsync-before", "fsync-after", "rename-before", "rename-after", "remove-before", "remove-after",
    "house-commit-before", "house-commit-after", "custodian-commit-before", "custodian-commit-after",
)
A_DAY_FILE = 500    # bytes; what is shorter is the note in the lock


class Reaper:
    """Counts the moments and kills its own process at the chosen one."""

    def __init__(self, moment: str, nth: int) -> None:
        self.moment, self.left = moment, nth

    def passes(self, moment: str) -> bool:
        """Return whether this is the chosen moment."""
        if moment != self.moment:
            return False
        self.left -= 1
        return self.left == 0

    def at(self, moment: str) -> None:
        """Die here if this is the chosen moment."""
        if self.passes(moment):
            self.kill()

    def kill(self) -> None:
        """Die at once: nothing is flushed, nothing is closed."""
        os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, function):
        """Return the function with a moment before and after it."""
        def watched(*args, **keywords):
            self.at(f"{name}-before")
            result = function(*args, **keywords)
            self.at(f"{name}-after")
            return result
        return watched

    def torn(self, write):
        """Return `os.write` with a moment in the middle of what it writes."""
        def watched(descriptor, data):
            if len(data) > A_DAY_FILE and self.passes("write-torn"):
                write(descriptor, data[: len(data) // 2])
                self.kill()
            return write(descriptor, data)
        return watched

    def connected(self, connect):
        """Return `sqlite3.connect` whose connections have a moment before and after each commit that changes something."""
        reaper = self

        class Watched(sqlite3.Connection):
            name, seen = "", 0

            def _commit(self, function, *args):
                changed, self.seen = self.total_changes != self.seen, self.total_changes
                if changed:
                    reaper.at(f"{self.name}-commit-before")
                result = function(*args)
                if changed:
                    reaper.at(f"{self.name}-commit-after")
                return result

            def commit(self):
                return self._commit(super().commit)

            def execute(self, text, *args):
                if text == "COMMIT":
                    return self._commit(super().execute, text)
                return super().execute(text, *args)

        def watched(database, *args, **keywords):
            connection = connect(database, *args, factory=Watched, **keywords)
            connection.name = Path(os.fspath(database)).stem
            return connection
        return watched


def arm(moment: str, nth: int) -> None:
    """Put the moments into this process."""
    reaper = Reaper(moment, nth)
    os.write = reaper.torn(os.write)
    os.fsync = reaper.around("fsync", os.fsync)
    os.replace = reaper.around("rename", os.replace)
    os.unlink = reaper.around("remove", os.unlink)
    sqlite3.connect = sqlite3.dbapi2.connect = reaper.connected(sqlite3.connect)


def main() -> None:
    """Close a house as the command does, and die at the chosen moment."""
    moment, nth, house, through = sys.argv[1:]
    if moment != "none":
        arm(moment, int(nth))
    from tsutsumi.app.cli import run

    sys.argv = ["tsutsumi", "close"]
    sys.exit(run(["close", house, "--through", through]))


if __name__ == "__main__":
    main()
