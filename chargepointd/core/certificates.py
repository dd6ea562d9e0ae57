"""The certificates of the station: whom it trusts, by use, and who it is (M03 to M05; 2.0.1 part 2, block M).

The files are the key store's, written and removed by jobs. Which of them count is a fact of the station, committed
before it is told: what a power cut left half done is removed at the next start (`Tidy`).

Where `SecurityCtrlr.AdditionalRootCertificateCheck` is true, there is one root of the CSMS; a new one must be signed by
it, and the old one stays as the fallback until a connection by the new one was good (M05.FR.09 to 16).
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from chargepointd.core.commands import Status
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note, SaveState, StartJob
from chargepointd.core.jobs import JobFailed
from chargepointd.core.topic import Act, Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple

CSMS_ROOT = "CSMSRootCertificate"
STATION = "ChargingStationCertificate"
PENDING = "PendingKey"
"""keys of requests that wait for their certificate"""
CAPACITY = 500
"""certificates, SecurityCtrlr.CertificateEntries"""

HashData = tuple[str, ...]
"""hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber"""
Done = Callable[[Any, Step], None]
"""takes the outcome of a job; a `Status` when it failed"""


class Certificate(NamedTuple):
    """A root, or a chain of the station's own. Kept: fields may only be appended, with a default."""

    use: str
    """InstallCertificateUseEnumType, or ChargingStationCertificate"""
    name: str
    """of its file, from its content"""
    hashes: tuple[HashData, ...]
    """its own, then those of the authorities in the chain"""
    valid_from: float
    valid_until: float
    """UTC, s since 1970"""
    subject: str = ""


# -- commands ----------------------------------------------------------------------------------------------------------


class InstallCertificate(NamedTuple):
    use: str
    pem: str


class GetInstalledCertificateIds(NamedTuple):
    uses: tuple[str, ...] = ()
    """empty: all"""


class CertificateIds(NamedTuple):
    """The reply."""

    certificates: tuple[Certificate, ...]


class DeleteCertificate(NamedTuple):
    hash_data: HashData


# -- jobs --------------------------------------------------------------------------------------------------------------


class CheckRoot(NamedTuple):
    """Check a root and write its file: a `Certificate`, or a `Status` that says what is wrong."""

    use: str
    pem: str
    signed_by: str = ""
    """name of the root of the same use that must have signed it"""


class FindCertificate(NamedTuple):
    """Which of these has this hash data, made by another algorithm than ours: its (use, name), or None."""

    hash_data: HashData
    among: tuple[tuple[str, str], ...]


class RemoveCertificate(NamedTuple):
    """Remove the files of these (use, name): None, or a `Status` that says what went wrong."""

    names: tuple[tuple[str, str], ...]


class Tidy(NamedTuple):
    """Remove what is not known, look what is missing or damaged, take in what the configuration names."""

    known: tuple[tuple[str, str], ...]
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    taken_in: str = ""
    """digests of what the configuration named when it was taken in last: the roots, the station's own"""
    adopts: bool = False
    """what is there and is not known counts: the disk has lost what said so"""


class Tidied(NamedTuple):
    missing: tuple[tuple[str, str], ...]
    taken_in: str
    certificates: tuple[Certificate, ...] = ()
    """from the configuration, when it is not what was taken in last"""
    wrong: str = ""
    cut: tuple[tuple[str, str], ...] = ()
    """without the authorities in their chain: one was damaged"""
    adopted: tuple[Certificate, ...] = ()
    keys: tuple[str, ...] = ()
    """names of those adopted that wait for a certificate"""


class Certificates(Topic):
    name = "certificates"

    def __init__(self, context: Context, saved: dict[str, Any] | None, *, damaged: bool = False) -> None:
        """damaged: something on the disk was, so what is saved may be missing, or older than the files."""
        saved = saved or {}
        self._context = context
        self._installed = [_loaded(row) for row in saved.get("installed", ())]
        self.fallback: str = saved.get("fallback", "")
        """name of the root that was in use before the newest"""
        self.current: str = saved.get("current", "")
        """name of the station's certificate"""
        self.renewed: str = saved.get("renewed", "")
        """name of its successor, which has not been proven by a connection yet"""
        self.pending: list[str] = saved.get("pending", [])
        """keys that wait for a certificate, oldest first"""
        self.taken_in: str = saved.get("taken_in", "")
        self._adopts: bool = damaged or saved.get("adopts", False)
        """once: the files say better what there was"""
        self.vouches = ""
        """name of the root on which the connection rests, as far as it is known"""
        self.changes = 0
        """how often the facts changed"""
        self._complaint = ""
        """what was wrong with the key store, or the configuration's files, when they were looked at last"""
        self._work: deque[tuple[Any, Done]] = deque()
        """jobs, and what follows from them; the first is under way"""
        self._later: deque[Act] = deque()
        """commands that wait for them"""
        self._jobs = 0
        self._count()

    # -- what others ask -----------------------------------------------------------------------------------------------

    @property
    def installed(self) -> tuple[Certificate, ...]:
        return tuple(self._installed)

    def of(self, use: str) -> list[Certificate]:
        return [certificate for certificate in self._installed if certificate.use == use]

    def named(self, use: str, name: str) -> Certificate | None:
        return next((c for c in self.of(use) if c.name == name), None)

    def has(self, use: str) -> bool:
        """One that is good now, as far as the time is known. What the configuration names counts before it is taken
        in."""
        csms = self._context.plan.csms
        named = csms.ca_file if use == CSMS_ROOT else csms.client_cert
        return any(map(self._is_good, self.of(use))) or bool(named and not self.taken_in)

    def _is_good(self, certificate: Certificate) -> bool:
        return not self._context.clock.sure or certificate.valid_from <= self._context.utc <= certificate.valid_until

    def trusted(self, *, fallback: bool) -> list[str]:
        """Names of the roots that may vouch for the CSMS now."""
        names = [certificate.name for certificate in self.of(CSMS_ROOT)]
        if not self.fallback:
            return names
        return [self.fallback] if fallback else [name for name in names if name != self.fallback]

    @property
    def checks_successor(self) -> bool:
        return self._context.variables.boolean("SecurityCtrlr.AdditionalRootCertificateCheck")

    @property
    def profile_in_use(self) -> int:
        """The security profile of the connection: 2 and 3 need a root, 3 needs a certificate of the station."""
        return self._context.variables.integer("SecurityCtrlr.SecurityProfile")

    # -- commands ------------------------------------------------------------------------------------------------------

    def commands(self) -> Mapping[type, Obey]:
        return {
            InstallCertificate: self._in_turn(self._install),
            GetInstalledCertificateIds: self._in_turn(self._list),
            DeleteCertificate: self._in_turn(self._delete),
        }

    def _in_turn(self, obey: Obey) -> Obey:
        """When nothing is under way: a command sees settled facts, also right after the start."""

        def obeyed(command: Any, step: Step, answer: Answer) -> None:
            if self._work:
                self._later.append(lambda step: obey(command, step, answer))
            else:
                obey(command, step, answer)

        return obeyed

    def _install(self, command: InstallCertificate, step: Step, answer: Answer) -> None:
        roots = [root for root in self.of(command.use) if root.name != self.fallback]
        check = command.use == CSMS_ROOT and self.checks_successor and roots
        job = CheckRoot(command.use, command.pem, roots[-1].name if check else "")
        self.work(job, lambda outcome, step: answer(self._checked(outcome, job, step), step), step)

    def _list(self, command: GetInstalledCertificateIds, step: Step, answer: Answer) -> None:
        found = [c for c in self._installed if c.use != STATION and (not command.uses or c.use in command.uses)]
        answer(CertificateIds(tuple(found)), step)

    def _delete(self, command: DeleteCertificate, step: Step, answer: Answer) -> None:
        if command.hash_data[0] != "SHA256":

            def found_it(outcome: Any, step: Step) -> None:
                if isinstance(outcome, Status):
                    answer(outcome, step)
                else:
                    self._remove(outcome and self.named(*outcome), step, answer)

            among = tuple((c.use, c.name) for c in self._installed)
            self.work(FindCertificate(command.hash_data, among), found_it, step)
            return
        wanted = _comparable(command.hash_data)
        found = next((c for c in self._installed if _comparable(c.hashes[0]) == wanted), None)
        self._remove(found, step, answer)

    def _remove(self, certificate: Certificate | None, step: Step, answer: Answer) -> None:
        """For every use: the hash data says of none, and what was deleted is not listed any more."""
        if certificate is None:
            answer(Status("NotFound"), step)
            return
        same = tuple(c[:2] for c in self._installed if c.name == certificate.name)
        needed = next(filter(None, (self._needed(c) for c in self._installed if c[:2] in same)), "")
        if needed:
            answer(Status("Failed", needed), step)
            return

        def removed(outcome: Any, step: Step) -> None:
            for use, name in same if not outcome else ():
                self.forget(use, name, step)
                self._context.happened("ReconfigurationOfSecurityParameters", f"{use} {name} is deleted", step)
            answer(outcome or Status("Accepted"), step)

        self.work(RemoveCertificate(same), removed, step)

    def _needed(self, certificate: Certificate) -> str:
        """Why the station might never connect again without it."""
        if certificate.use == STATION:  # M04.FR.06
            return "the station's own certificate is not deleted"
        if certificate.use != CSMS_ROOT:
            return ""
        if certificate.name == self.vouches:
            return "the connection in use rests on it; the next one needs it"
        if self.profile_in_use < 2:
            return ""
        if len(self.of(CSMS_ROOT)) == 1:
            return "the last root of the CSMS; the station could never connect again"
        return (
            "the root that worked; it goes when its successor has worked" if certificate.name == self.fallback else ""
        )

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def work(self, job: Any, done: Done, step: Step) -> None:
        """Start a job on the key store when those before it are over: one at a time, so none sees half of another's."""
        self._work.append((job, done))
        if len(self._work) == 1:
            self._begin(step)

    def _begin(self, step: Step) -> None:
        self._jobs += 1
        step.emit(StartJob(self.name, str(self._jobs), self._work[0][0]))

    def job_ended(self, job_id: str, outcome: Any, step: Step) -> None:
        self._work[0][1](Status("Failed", outcome.reason) if isinstance(outcome, JobFailed) else outcome, step)
        self._work.popleft()
        if self._work:
            self._begin(step)
        while self._later and not self._work:
            self._later.popleft()(step)

    def _checked(self, root: Certificate | Status, job: CheckRoot, step: Step) -> Status:
        if isinstance(root, Status):
            if job.use == CSMS_ROOT and root.status == "Rejected":  # of that name since 1.6 (TC_078)
                self._context.happened("InvalidCsmsCertificate", f"not installed: {root.reason}", step)
            return root
        if len(self._installed) >= CAPACITY and not self.named(root.use, root.name):
            self._drop([(root.use, root.name)], step)
            return Status("Rejected", f"{CAPACITY} certificates are installed; delete one first")
        self.add(root, step)
        if job.signed_by and root.name != job.signed_by:
            self._succeed(job.signed_by, root.name, step)
        self._context.happened("ReconfigurationOfSecurityParameters", f"{root.use} {root.name} is installed", step)
        return Status("Accepted")

    def _succeed(self, old: str, new: str, step: Step) -> None:
        """The fallback is always a root by which a connection was good; one that never was makes way."""
        if not self.fallback:
            self.fallback = old
            self.save(step)
        elif new != self.fallback:
            self.forget(CSMS_ROOT, old, step)
            self._drop([(CSMS_ROOT, old)], step)

    # -- facts ---------------------------------------------------------------------------------------------------------

    def add(self, certificate: Certificate, step: Step) -> None:
        self._put(certificate, step)
        self.save(step)

    def _put(self, certificate: Certificate, step: Step) -> None:
        """The same one again takes its own place (M05.FR.17)."""
        self._installed = [c for c in self._installed if c[:2] != certificate[:2]]
        self._installed.append(certificate)
        step.emit(Note("certificate", 0, f"{certificate.use} installed: {certificate.subject}"))

    def forget(self, use: str, name: str, step: Step) -> None:
        certificate = self.named(use, name)
        if certificate is None:
            return
        self._installed.remove(certificate)
        if use == CSMS_ROOT and self.fallback and (name == self.fallback or len(self.of(CSMS_ROOT)) == 1):
            self.fallback = ""
        step.emit(Note("certificate", 0, f"{use} removed: {certificate.subject}"))
        self.save(step)

    def discard(self, use: str, name: str, step: Step) -> None:
        """Forget it now, and remove its files."""
        self.forget(use, name, step)
        self._drop([(use, name)], step)

    def drop_key(self, name: str, step: Step) -> None:
        self.pending.remove(name)
        self.save(step)
        self._drop([(PENDING, name)], step)

    def _drop(self, names: list[tuple[str, str]], step: Step) -> None:
        self.work(RemoveCertificate(tuple(names)), _whatever, step)

    def save(self, step: Step) -> None:
        self.changes += 1
        self._count()
        step.emit(
            SaveState(
                self.name,
                {
                    "installed": [list(certificate) for certificate in self._installed],
                    "fallback": self.fallback,
                    "current": self.current,
                    "renewed": self.renewed,
                    "pending": list(self.pending),
                    "taken_in": self.taken_in,
                    **({"adopts": True} if self._adopts else {}),
                },
            )
        )

    def _count(self) -> None:
        self._context.variables.assign("SecurityCtrlr.CertificateEntries", str(len(self._installed)))

    def proven(self, step: Step, *, fallback: bool) -> None:
        """A connection was good, by the root in use or by the fallback (M05.FR.13)."""
        if self.fallback and not fallback:
            old, self.fallback = self.fallback, ""
            self.discard(CSMS_ROOT, old, step)

    # -- the files -----------------------------------------------------------------------------------------------------

    def power_up(self, step: Step) -> None:
        if self._adopts:
            self.save(step)  # with the news of the damage: a start after this one sees none
        self.look(step)

    def look(self, step: Step) -> None:
        """At the start, and where the files of a connection could not be used: what the disk has changed is forgotten,
        what a person has put right is taken in. Not while nothing can be kept: the disk may not have given back which
        files count, and all others are removed."""
        if self._work or self._context.unkept:
            return
        known = [(c.use, c.name) for c in self._installed] + [(PENDING, name) for name in self.pending]
        csms = self._context.plan.csms
        job = Tidy(tuple(known), csms.ca_file, csms.client_cert, csms.client_key, self.taken_in, self._adopts)
        self.work(job, self._tidied, step)

    def _tidied(self, outcome: Any, step: Step) -> None:
        if isinstance(outcome, Status):
            self._complain(f"the key store cannot be read: {outcome.reason}", step)
            return
        for use, name in outcome.missing:
            step.emit(Note("certificate", 0, f"{use}/{name[:16]}: its file is missing or damaged; install it again"))
            self._lost(use, name, step)
        for use, name in outcome.cut:
            self._was_cut(use, name, step)
        if self._adopts:
            self._adopt(outcome, step)
        self._complain(outcome.wrong and f"the configuration's was not taken in: {outcome.wrong}", step)
        if not outcome.wrong and outcome.taken_in != self.taken_in:
            self.taken_in = outcome.taken_in
            for certificate in outcome.certificates:
                self._put(certificate, step)
                if certificate.use == STATION:
                    self.replace(certificate.name, step)
            self.save(step)

    def _adopt(self, outcome: Tidied, step: Step) -> None:
        """Of the station's own the newest is its certificate, or the successor of the one that is known."""
        self._adopts = False
        self.pending += outcome.keys
        for certificate in outcome.adopted:
            self._put(certificate, step)
        own = [certificate for certificate in outcome.adopted if certificate.use == STATION]
        newest = max(own, key=lambda certificate: certificate.valid_from, default=None)
        if newest and not self.current:
            self.current = newest.name
        elif newest and not self.renewed:
            self.renewed = newest.name
        self.save(step)

    def _was_cut(self, use: str, name: str, step: Step) -> None:
        """A CSMS that has the authorities itself takes it yet, so it stays where there is no other."""
        what = f"{use}/{name[:16]}: an authority in its chain is damaged; install it again"
        step.emit(Note("certificate", 0, what))
        other = self.renewed if name == self.current else self.current
        if use != STATION or other or self._context.plan.csms.client_cert:
            self._lost(use, name, step)

    def _complain(self, what: str, step: Step) -> None:
        """Once: it may be looked at after each attempt to connect."""
        if what and what != self._complaint:
            step.emit(Note("certificate", 0, what))
        self._complaint = what

    def _lost(self, use: str, name: str, step: Step) -> None:
        if use == PENDING:
            self.pending.remove(name)
            self.save(step)
        self.renewed = "" if name == self.renewed else self.renewed
        if name == self.current:
            self.current, self.renewed = self.renewed, ""
        self.forget(use, name, step)

    def replace(self, name: str, step: Step) -> None:
        """This is the station's certificate from now on; whatever was it before goes."""
        for old in {self.current, self.renewed} - {name, ""}:
            self.discard(STATION, old, step)
        self.current, self.renewed = name, ""
        self.save(step)


def _whatever(outcome: Any, step: Step) -> None:
    """A file that could not be removed goes with the next start."""


def _loaded(row: list[Any]) -> Certificate:
    certificate = Certificate(*row)
    return certificate._replace(hashes=tuple(tuple(hashed) for hashed in certificate.hashes))


def _comparable(hash_data: HashData) -> HashData:
    """Without regard to case or leading zeros (CertificateHashDataType)."""
    algorithm, issuer_name, issuer_key, serial = hash_data
    return (algorithm, issuer_name.lower(), issuer_key.lower(), serial.lower().removeprefix("0x").lstrip("0") or "0")
