"""The device model (2.x part 1, ch. 4): what can be read, set, reported and watched. The 1.6 keys are a table over it.

model.py      what a variable is
registry.py   the variables of this station: get, set, what changed
catalogue.py  the standard variables as a table
"""
