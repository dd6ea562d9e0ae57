"""What a device can do: one small protocol an ability, with units.

Two shapes of input: a device with `read()` is *polled* by the supervisor, a device with `watch()` is *watched* by it.
`watch()` yields the present state at once and then each change, for as long as the device lives; it ends only by
raising. All calls may raise `NotConnected` and `DeviceFault`; none needs a time limit of its own: the supervisor sets
it.

A device that moves power has a safe state, and reaching it must not depend on the rest of the driver: `Contactor.open`
and `DcSupply.off` may be called at any time, any number of times.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hal.readings import (
    AlarmReading,
    ContactReading,
    ContractReading,
    DcCapability,
    DcReading,
    EvCertificateReading,
    IsolationReading,
    KeyReading,
    LockReading,
    MeterReading,
    OccupancyReading,
    PilotReading,
    SignedReading,
    TemperatureReading,
    TokenReading,
    VehicleReading,
)


@runtime_checkable
class Meter(Protocol):
    async def read(self) -> MeterReading:
        """One fresh reading from the device. Never a remembered one."""
        ...


@runtime_checkable
class SignedReadings(Protocol):
    """What some meters can do besides `Meter`: billing by what the meter itself vouches for."""

    async def read_signed(self) -> SignedReading:
        """One fresh reading, signed by the meter. It may take some seconds."""
        ...


@runtime_checkable
class OccupancySensor(Protocol):
    def watch(self) -> AsyncIterator[OccupancyReading]:
        """Whether a vehicle stands in the parking bay, now and at each change."""
        ...


@runtime_checkable
class ControlPilot(Protocol):
    def watch(self) -> AsyncIterator[PilotReading]:
        """The pilot's state now, then each change."""
        ...

    async def offer(self, limit_a: float) -> None:
        """Tell the car how much it may draw, by the duty cycle of the control pilot.

        limit_a: A per phase, 0 (pause: steady +12 V, no PWM) or 6 to 80 (IEC 61851-1, Annex A). Returns when the
        board has taken it over; the car may need 5 s more. ValueError between 0 and 6 A.
        """
        ...


@runtime_checkable
class Contactor(Protocol):
    async def close(self) -> None:
        """Let energy through. On a board with its own safety logic this is the permission; it closes when asked."""
        ...

    async def open(self) -> None:
        """Cut the energy. Idempotent; returns when the device has taken it over."""
        ...


@runtime_checkable
class PhaseSwitch(Protocol):
    async def use(self, phases: int) -> None:
        """Lead one phase to the car, or all three. Only without load: the contactor is open and nothing is offered.

        phases: 1 (L1) or 3, else ValueError. Returns when it is done; DeviceFault when it is not, or when energy flows.
        """
        ...


@runtime_checkable
class ConnectorLock(Protocol):
    def watch(self) -> AsyncIterator[LockReading]:
        """Whether the plug is held, now and at each change."""
        ...

    async def lock(self) -> None:
        """Hold the plug. Returns when the feedback says so; DeviceFault when it does not."""
        ...

    async def unlock(self) -> None:
        """Let the plug go. Returns when the feedback says so; DeviceFault when it does not."""
        ...


@runtime_checkable
class ContactInput(Protocol):
    def watch(self) -> AsyncIterator[ContactReading]:
        """A contact, for example of a grid operator's relay: closed or open, now and at each change."""
        ...


@runtime_checkable
class TokenReader(Protocol):
    def watch(self) -> AsyncIterator[TokenReading]:
        """Each card once per presence; nothing at the start."""
        ...


@runtime_checkable
class Keypad(Protocol):
    def watch(self) -> AsyncIterator[KeyReading]:
        """Each key once, when it is pressed; nothing at the start. A button is a keypad with one key."""
        ...


@runtime_checkable
class DcSupply(Protocol):
    async def read(self) -> DcReading:
        """Fresh output voltage (V) and current (A)."""
        ...

    async def capability(self) -> DcCapability: ...

    async def set(self, voltage_v: float, current_a: float) -> None:
        """Set point: V, and A as the limit of the whole supply. The driver repeats it where the module needs that."""
        ...

    async def on(self) -> None: ...

    async def off(self) -> None:
        """Output off. Returns when the measured current is below 1 A, or raises DeviceFault after 3 s."""
        ...


@runtime_checkable
class VehicleLink(Protocol):
    def watch(self) -> AsyncIterator[VehicleReading]:
        """What the vehicle says, now and at each change."""
        ...

    async def present(self, voltage_v: float, current_a: float) -> None:
        """Tell the vehicle what is at its inlet now, and with it that power may flow."""
        ...

    async def stop(self) -> None:
        """Ask the vehicle to end the energy transfer."""
        ...


@runtime_checkable
class PlugAndCharge(Protocol):
    """What an ISO 15118 stack does besides `VehicleLink`: a vehicle is its own card."""

    def watch(self) -> AsyncIterator[ContractReading | EvCertificateReading]:
        """What vehicles show and ask, each once; nothing at the start."""
        ...

    async def decide(self, accepted: bool) -> None:
        """Whether the contract shown last may charge (PaymentDetailsRes, AuthorizationRes). Where it may not, a card
        still may."""
        ...

    async def identify(self, chain: Path | None, key: Path | None, ocsp: tuple[bytes, ...]) -> None:
        """As whom to answer vehicles: files in PEM, the chain leaf first, and OCSP responses in DER. None: as nobody.
        Told anew whenever the driver is opened."""
        ...

    async def deliver(self, exi: str) -> None:
        """The answer to the certificate asked for last, base64; empty: there is none."""
        ...


@runtime_checkable
class IsolationMonitor(Protocol):
    async def read(self) -> IsolationReading: ...


@runtime_checkable
class ResidualCurrentMonitor(Protocol):
    def watch(self) -> AsyncIterator[AlarmReading]: ...

    async def test(self) -> None:
        """Self-test (IEC 62955); DeviceFault when the monitor did not trip."""
        ...


@runtime_checkable
class TemperatureSensor(Protocol):
    async def read(self) -> TemperatureReading: ...


@runtime_checkable
class EmergencyStop(Protocol):
    def watch(self) -> AsyncIterator[AlarmReading]:
        """Tripped or not. A broken wire counts as tripped. The stop itself acts in hardware; this only tells."""
        ...


@runtime_checkable
class Display(Protocol):
    async def show(self, lines: tuple[str, ...]) -> None:
        """Replace what is shown. Lines are cut to the width of the device, surplus lines are left out."""
        ...


@runtime_checkable
class QrCodes(Protocol):
    """A display that can show a QR code too."""

    async def show_code(self, lines: tuple[str, ...], code: str) -> None:
        """Like `Display.show`, with a QR code of this text (an address to pay at, for example) beside the lines. The
        next `show` takes it away."""
        ...


@runtime_checkable
class Indicator(Protocol):
    """A lamp. Where the device cannot blink or count by itself, its driver does. Left by its driver, it is off."""

    async def indicate(self, colour: str, blink: bool, intensity_percent: int) -> None:
        """Show this from now on; blinking about once a second.

        colour: "off", "green", "blue", "yellow" or "red". intensity_percent: 0 to 100, of the brightest it can be.
        Raises ValueError for anything else.
        """
        ...

    async def signal(self, colour: str, times: int, intensity_percent: int) -> None:
        """Blink so often (1 or more, about twice a second), then go on with what `indicate` says, before or meanwhile.
        A signal takes the place of the one before. Returns when it has begun."""
        ...


@runtime_checkable
class Controls(Protocol):
    """The handle of a simulated world: what a person does at a real station, done by a command."""

    async def call(self, method: str, params: dict[str, Any]) -> Any:
        """Do it. ValueError with a text for the person when method or params are wrong."""
        ...


Device = object
"""Any object with one or more of the protocols above."""
