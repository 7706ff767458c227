"""A lock on a file, which goes with the process that holds it, however that ends."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> None:
        """Lock an open file.

        Raises:
            BlockingIOError: If somebody else has locked it.
        """
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, "locked") from error
else:
    import fcntl

    def try_lock(descriptor: int) -> None:
        """Lock an open file.

        Raises:
            BlockingIOError: If somebody else has locked it.
            OSError: If the file system knows no locks.
        """
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
