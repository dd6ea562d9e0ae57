"""The next attempt to connect, in the words of the link: what the station decided, with its files."""

from pathlib import Path

from chargepointd.config import CsmsConfig
from chargepointd.core.certificates import CSMS_ROOT, STATION, Certificates
from chargepointd.core.network import Network
from chargepointd.dialects.dialect import VERSIONS
from chargepointd.jobs.keystore import KeyStore
from chargepointd.link.profile import Profile


def profile(
    csms: CsmsConfig, identity: str, network: Network, certificates: Certificates, state_dir: Path, *, wildcards: bool
) -> Profile:
    """Until the key store has taken in what the configuration names, its files themselves are used."""
    way = network.way()
    store = KeyStore(state_dir)
    roots = [store.certificate(CSMS_ROOT, name) for name in way.roots]
    cert, key = csms.client_cert, csms.client_key
    if csms.ca_file and not certificates.taken_in:
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
    )
