"""`chargepointctl`, the technician's command: arguments to calls, results to text.

arguments.py  the command line: names, help, examples
commands.py   what each command asks the daemon, and whether the answer is a yes
show.py       results for a person: status.py, words.py
"""
