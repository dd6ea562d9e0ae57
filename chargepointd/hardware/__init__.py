"""Between the devices and the station: readings become events, effects become calls, lost devices become faults.

bindings.py   which device serves which EVSE, from the configuration
inputs.py     readings and health -> events
power_ac.py   the order of pilot and contactor (IEC 61851-1)
power_dc.py   the order of supply, vehicle and contactor (IEC 61851-23)
screens.py    what each display shows     lamps.py  and each lamp
hardware.py   the whole: supervisors, inputs, and what the station wants done
"""
