"""Descriptors of ours: an application may close all that it has, and get their numbers again for files of its own."""

import errno
import os


def is_ours(descriptor: int, file: os.stat_result) -> bool:
    """Tell whether a descriptor still is of the file that we opened by it."""
    try:
        return os.path.samestat(os.fstat(descriptor), file)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        return False


def close(descriptor: int, file: os.stat_result) -> None:
    """Close a descriptor, if it still is ours."""
    if is_ours(descriptor, file):
        os.close(descriptor)
