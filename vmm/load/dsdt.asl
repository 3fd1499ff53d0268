/*
 * The devices of a guest's PC that no table of their own tells of, for the kernels that ask ACPI:
 * what they are and where. ACPI 4.0, chapters 6, 7.3.4 and 9; the names' meanings are those of
 * Microsoft's "Plug and Play device IDs". There are no methods: nothing is to be done.
 */
DefinitionBlock ("", "DSDT", 2, "RSDENT", "RESIDENT", 1)
{
	/* SLP_TYP 5 of the PM1 control register switches off. */
	Name (\_S5, Package () {5, 5, 0, 0})

	Scope (\_SB)
	{
		Device (PIC)
		{
			Name (_HID, EisaId ("PNP0000"))
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, 0x20, 0x20, 0, 2)
				IO (Decode16, 0xA0, 0xA0, 0, 2)
				IO (Decode16, 0x4D0, 0x4D0, 0, 2)
				IRQNoFlags () {2}
			})
		}

		Device (TIMR)
		{
			Name (_HID, EisaId ("PNP0100"))
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, 0x40, 0x40, 0, 4)
				IRQNoFlags () {0}
			})
		}

		Device (RTC)
		{
			Name (_HID, EisaId ("PNP0B00"))
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, 0x70, 0x70, 0, 2)
				IRQNoFlags () {8}
			})
		}

		Device (HPET)
		{
			Name (_HID, EisaId ("PNP0103"))
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadOnly, 0xFED00000, 0x400)
			})
		}

		Device (KBD)
		{
			Name (_HID, EisaId ("PNP0303"))
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, 0x60, 0x60, 0, 1)
				IO (Decode16, 0x64, 0x64, 0, 1)
				IRQNoFlags () {1}
			})
		}

		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, 0x3F8, 0x3F8, 0, 8)
				IRQNoFlags () {4}
			})
		}
	}
}
