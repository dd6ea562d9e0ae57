"""What survives a power cut: one SQLite file, one connection, one thread.

database.py    the file: one process has it, it is sound, it is of the schema this program knows
store.py       what is kept: load it, commit to it
waiting.py     the records that wait, a page at a time    set_aside.py   those that were set aside
urgency.py     how soon what was changed is to survive a power cut
rows.py        the rows of the tables, and whether they are what was written: checksum.py
orphans.py     transactions whose session is lost are ended
log.py         what its log says, and what can no longer be known
sectors.py     a file of which the disk does not give back every sector
image.py       a database and its log read where SQLite cannot, or must not
salvage.py     what is readable of a damaged file, and of the newest copy: copies.py
losses.py      what was found lost, until it is told
writer.py      the thread that owns it: commits in groups, tells when a batch is safe
room.py        room in its log, made before it is written to
stall.py       a disk that stands still, and says nothing
migrations/    numbered SQL, only ever added to
"""
