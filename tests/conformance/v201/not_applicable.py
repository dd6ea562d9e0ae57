"""Cases that do not apply to this station, and why: for each the feature that its condition asks to be absent.

Where a feature can be configured away, the case is run on a station without it instead.
"""

NOT_APPLICABLE = {
    "TC_B_15_CS": "for stations without SummaryInventory (C-56); this station reports it, see TC_B_14",
    "TC_C_05_CS": "for stations that lock the cable before the authorization (AQ-2); this station holds a plug for "
    "whoever is authorized, see TC_C_02",
}
