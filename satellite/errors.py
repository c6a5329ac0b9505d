"""What can go wrong, by whose fault it is."""


class SatelliteError(Exception):
    """Base of every error the satellite raises on purpose."""


class ConfigError(SatelliteError):
    """The operator's: a configuration that cannot be used. The message names file, line and key; a line for each problem."""


class DeviceError(SatelliteError):
    """The sound hardware's: it is missing, busy, lost, or cannot do what is needed."""


class PeerError(SatelliteError):
    """The other end's: it sent what the protocol does not allow, or more than we take."""


class CertificateError(PeerError):
    """The other end shows a certificate that is not trusted: it is another machine, or the operator has something to mend."""


class ProtocolMisuse(SatelliteError):
    """Ours: an event in a state that cannot have it."""
