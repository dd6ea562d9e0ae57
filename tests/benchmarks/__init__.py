"""What the daemon costs: `python -m tests.benchmarks` (`make bench`).

The real process with two simulated EVSEs is measured beside two floors of the same run: the smallest possible Python
charge point, and the bare disk. Times on a shared machine are worth little by themselves; the ratios to the floors
are what is compared. Nothing here is a test of a time.

    csms.py     a lean CSMS: answers everything, validates nothing
    floor.py    the smallest possible charge point, started as a program
    subject.py  a charge point under measurement: started, ended, asked by its control socket
    proc.py     what /proc tells of a process, and of the disk
    figures.py  a figure, what it must be, the table
    bench.py    what all phases share: the two subjects, the CSMS, the counts
    start.py requests.py idle.py durable.py drain.py   the phases
    charging.py composite schedules alone, without a process
    events.py   the real engine and writer alone, without a process
    disk.py     the bare disk, the syncs of a process, the writer alone
"""
