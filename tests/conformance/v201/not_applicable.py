"""Cases that do not apply to this station, and why: for each the feature that its condition asks to be absent.

Where a feature can be configured away, the case is run on a station without it instead.
"""

NOT_APPLICABLE = {
    "TC_B_15_CS": "for stations without SummaryInventory (C-56); this station reports it, see TC_B_14",
}
