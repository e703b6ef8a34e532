"""Memory between steps (メモリの保持): freed memory stays with the process while it closes days, one after the other."""

import ctypes

TRIM_THRESHOLD, MOST_MAPPINGS, MOST_HEAPS = -1, -4, -8  # numbers of the options in glibc's <malloc.h>


def keep_memory() -> None:
    """Ask the C library to keep freed memory: the system's clearing of it anew would cost a third of a close.

    Large arrays come from the heap, not from a mapping of their own that is given back at once, and the heap never shrinks.
    All threads share the one heap: what does not fit into a heap of a thread's own becomes a mapping whatever the options say.
    A library without these options (macOS, musl) is left as it is.
    """
    try:
        adjust = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    adjust(MOST_MAPPINGS, 0)
    adjust(TRIM_THRESHOLD, -1)
    adjust(MOST_HEAPS, 1)
