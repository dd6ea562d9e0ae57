"""Cases whose tests are still to be written. Shrinks to nothing."""

MISSING = {
    "TC_C_05_CS",
}
