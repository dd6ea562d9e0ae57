"""What survives a power cut: one SQLite file, one connection, one thread.

pack.py        values to text and back
store.py       the file: open, migrate, load, commit
writer.py      the thread that owns it: commits in groups, tells when a batch is safe
migrations/    numbered SQL, only ever added to
"""
