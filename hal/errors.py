"""Whose fault it is, and whether to try again."""


class HalError(Exception):
    """What a driver may raise on purpose. Anything else that leaves a driver is a bug in the driver."""


class NotConnected(HalError):
    """The device does not answer, or its port is not there. Worth trying again."""


class DeviceFault(HalError):
    """The device answers and says that it is broken or refuses. To be reported; trying again rarely helps."""


class BadConfig(HalError):
    """A person must change the configuration. The text names file, key and remedy."""
