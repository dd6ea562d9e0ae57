"""A sector of a file that the disk does not give back: reading it is an error, in whatever process.

with Station(config, env=bad_sector(file, at, built_in)) as station: …
"""

import shutil
import subprocess
from pathlib import Path

SECTOR = 4096
COMPILER = shutil.which("cc")
_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int gone(int file, off64_t at, size_t size) {
    unsigned long inode;
    long bad, length;
    struct stat facts;
    const char *told = getenv("BAD_SECTOR");
    if (!told || sscanf(told, "%lu:%ld:%ld", &inode, &bad, &length) != 3) return 0;
    if (fstat(file, &facts) || facts.st_ino != inode) return 0;
    return at < bad + length && at + (off64_t)size > bad;
}

#define REAL(name, ...) ((ssize_t (*)(int, void *, size_t, ##__VA_ARGS__))dlsym(RTLD_NEXT, #name))

ssize_t pread64(int file, void *to, size_t size, off64_t at) {
    if (gone(file, at, size)) { errno = EIO; return -1; }
    return REAL(pread64, off64_t)(file, to, size, at);
}

ssize_t pread(int file, void *to, size_t size, off_t at) {
    if (gone(file, at, size)) { errno = EIO; return -1; }
    return REAL(pread, off_t)(file, to, size, at);
}

ssize_t read(int file, void *to, size_t size) {
    off64_t at = lseek64(file, 0, SEEK_CUR);
    if (at >= 0 && gone(file, at, size)) { errno = EIO; return -1; }
    return REAL(read)(file, to, size);
}
"""


def bad_sector(file: Path, at: int, built_in: Path) -> dict[str, str]:
    """The environment of a process that cannot read the sector of this file at `at`."""
    assert COMPILER
    source, library = built_in / "bad_sector.c", built_in / "bad_sector.so"
    source.write_text(_SOURCE)
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True, timeout=60)
    start = at // SECTOR * SECTOR
    return {"LD_PRELOAD": str(library), "BAD_SECTOR": f"{file.stat().st_ino}:{start}:{SECTOR}"}
