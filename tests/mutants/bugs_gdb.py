"""Bugs in the framing of what a debugger says, and in the text of it."""

from bug import Bug, unit

PROGRAM = "test_gdb_packet"

BUGS = [
    Bug(
        "gdb-packet-cut-early",
        "a packet may be as long as the debugger was told (PacketSize)",
        "vmm/gdb/packet.c",
        "	if (link->packet_length == GDB_PACKET_MAX)\n",
        "	if (link->packet_length == GDB_PACKET_MAX - 1)\n",
        unit(PROGRAM, "one_that_is_too_long_is_whole_but_cut"),
    ),
    Bug(
        "gdb-checksum-ignored",
        "a packet that is damaged is not carried out (GDB manual, E.1)",
        "vmm/gdb/packet.c",
        "(link->sum_sent | low) == link->sum && ",
        "",
        unit(PROGRAM, "what_is_damaged_is_asked_for_again"),
    ),
    Bug(
        "gdb-count-is-a-sharp",
        "no count of a run is a character that frames packets (GDB manual, E.1)",
        "vmm/gdb/packet.c",
        "	if (more == RUN_IS_SUM || more == RUN_IS_SUM + 1)\n		return RUN_IS_SUM - 1;\n",
        "",
        unit(PROGRAM, "runs_of_any_length_and_any_byte_come_out_as_they_were"),
    ),
    Bug(
        "gdb-silent-to-who-has-come",
        "a debugger that has just come has its packets acknowledged (GDB manual, E.11)",
        "vmm/gdb/packet.c",
        "	if (right && begins_anew(link))\n",
        "	if (!right && begins_anew(link))\n",
        unit(PROGRAM, "who_has_just_come_is_acknowledged_again"),
    ),
    Bug(
        "gdb-number-wraps",
        "an address of more than 16 digits is refused, and not cut",
        "vmm/gdb/text.c",
        "return digits && digits <= DIGITS_MAX;",
        "return digits;",
        unit(PROGRAM, "numbers_are_hexadecimal_and_of_16_digits_at_most"),
    ),
]
