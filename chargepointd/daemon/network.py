"""The next attempt to connect, in the words of the link: what the station decided, with its files; and the proxy to
where a file is."""

import os
from pathlib import Path

from chargepointd.core.certificates import CSMS_ROOT, STATION, Certificates
from chargepointd.core.clock import PLAUSIBLE, Clock, plausible
from chargepointd.core.context import LEAP_S, iso
from chargepointd.core.network import Network
from chargepointd.core.values import Now
from chargepointd.dialects.dialect import VERSIONS
from chargepointd.jobs.keystore import KeyStore
from chargepointd.link.profile import BadProfile, Profile
from chargepointd.sections import CsmsConfig


def known_time(clock: Clock, now: Now, *, was_set: bool = False, begun: bool = True) -> tuple[float | None, bool]:
    """By which the dates of certificates are judged, UTC (s since 1970), and whether it is now (or only has been).
    None: by the system's clock, which OpenSSL goes by. A board without a battery wakes up in 1970, or when its image
    was made: by such a clock no certificate has begun, and it would reach nobody who could tell it the time.

    was_set: the system's clock was set since the start, by NTP or by a person, who is believed though the time that was
    kept over a power cut is later. begun: False: by the system's clock the certificate that was shown last has not; of
    a fresh one that is said too where the clock is only slow, so OpenSSL, which knows no tolerance, is not asked again.
    """
    utc = clock.utc(now.mono)
    if clock.vouched:
        return (None, True) if begun and abs(now.wall - utc) <= LEAP_S else (utc, True)
    if plausible(now.wall) and (clock.sure or was_set):
        return (None, True) if begun else (now.wall, False)
    return (utc, True) if clock.sure else (max(clock.known, PLAUSIBLE), False)


def disbelieved(clock: Clock, now: Now) -> str:
    """What somebody has to know who has set the system's clock before the start; empty: it is gone by."""
    if clock.sure or not plausible(now.wall) or now.wall >= clock.known:
        return ""
    return (
        f"the system's clock says {iso(now.wall)}, but {iso(clock.known)} has been told before: it is not believed. If "
        "it is right, set it once more while chargepointd runs; a second off is enough to be noticed"
    )


def profile(
    csms: CsmsConfig,
    identity: str,
    network: Network,
    certificates: Certificates,
    state_dir: Path,
    *,
    wildcards: bool,
    time: tuple[float | None, bool] = (None, True),
) -> Profile:
    """Until the key store has taken in what the configuration names, its files themselves are used; and again where the
    disk has left no other."""
    way = network.way()
    store = KeyStore(state_dir)
    ends = {root.name: root.valid_until for root in certificates.of(CSMS_ROOT)}
    # Of a root and its renewal by the same key, OpenSSL takes the first where it does not look at the dates.
    names = sorted(way.roots, key=lambda name: -ends.get(name, 0.0)) if time[0] is not None else way.roots
    roots = [store.certificate(CSMS_ROOT, name) for name in names]
    cert, key = csms.client_cert, csms.client_key
    if csms.ca_file and not (certificates.taken_in and roots):
        roots.append(csms.ca_file)
    if way.certificate:
        cert, key = store.certificate(STATION, way.certificate), store.key(STATION, way.certificate)
    versions = sorted(csms.versions, key=lambda version: version != way.profile.version)
    return Profile(
        url=way.profile.url,
        identity=identity,
        subprotocols=tuple(VERSIONS[version] for version in versions),
        security_profile=way.profile.security_profile,
        password=way.password,
        roots=tuple(roots),
        system_roots=way.system_roots,
        client_cert=cert,
        client_key=key,
        allow_wildcards=wildcards,
        proxy=csms.proxy,
        utc=time[0],
        utc_sure=time[1],
    )


def proxied(configured: str, host: str, secure: bool) -> tuple[str, int, str] | None:
    """The proxy on the way to a file; None: there is none."""
    from chargepointd.jobs.transfer.failure import TransferFailed  # a start is made of imports
    from chargepointd.link.proxy import chosen, excepted

    if configured and excepted(host, os.environ):
        return None
    try:
        return chosen(configured, host, secure, os.environ)
    except BadProfile as wrong:
        raise TransferFailed(str(wrong)) from None
