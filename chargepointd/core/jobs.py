"""Long work outside of the step, as values: what is to be done, and how it went.

A topic starts a job by the effect `StartJob(topic, id, job)` and hears `JobTold` and `JobEnded`. Jobs do not survive
the process: a topic keeps its own state (`SaveState`) and starts anew what is to go on. `chargepointd/jobs` does them.
"""

from chargepointd.core.tuples import NamedTuple


class JobFailed(NamedTuple):
    """A job that raised: what it could not do, for a person."""

    reason: str
