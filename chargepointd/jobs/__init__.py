"""Long work for the station: what a topic of the core asks for by `StartJob`.

runner.py            starts, stops and tells of jobs; each kind of job is a function, imported when first needed
transfer/            files from and to servers
diagnostics.py       makes a log file and leaves it where the CSMS wants it
firmware.py          fetches an image, verifies it, has it installed
certificate_work.py  checks, keeps, makes keys; certificates.py  X.509; keystore.py  the files; house.py  at the start
contracts.py         whether the contract of a vehicle is whole, and whose it is
clock.py             whether the system's clock is synchronised, and its time servers

A job is `async def work(job, place, tell) -> outcome`: `job` is the value from `core.jobs` or the topic, `place` says
where files are, `tell(news)` reports while it goes on. It is cancelled by `StopJob` and at the end of the process, and
cleans up in `finally`. What may go wrong in the world is an outcome; an exception is a bug, logged, and told as
`JobFailed`. Blocking libraries run in a thread of the job's own.
"""
