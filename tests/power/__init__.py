"""Power cuts at every persisted write and every message of a visit, on the real process.

saboteur.py     starts the real daemon and kills it at the n-th write or message
words.py        what the CSMS asks in this visit, in the words of either version
visit.py        the visit: settings, plug in, card, charge, reset, offline stretch, card, leave, firmware
judge.py        the CSMS's books after it, beside those of a visit without a cut
run.py          one visit with the cuts it is to have
plan.py         which cuts, in which visits
__main__.py     `python -m tests.power [--cuts N] [--jobs N] [--seed N]`: a run, and its table
"""
