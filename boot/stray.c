#include "boot/stray.h"

#include "boot/ioapic.h"
#include "boot/pic.h"
#include "boot/vectors.h"
#include "lib/console.h"

#define TOO_OFTEN 100

/* True: it has just come too often. */
static bool count_one(uint8_t vector)
{
	static uint8_t count[256];

	if (count[vector] == TOO_OFTEN)
		return false;
	if (!count[vector])
		log_warning("interrupt vector 0x%x from a device that nobody drives: ignored",
			    vector);
	if (++count[vector] < TOO_OFTEN)
		return false;
	log_warning("interrupt vector 0x%x came %u times: its device is not silent", vector,
		    TOO_OFTEN);
	return true;
}

void stray_apic(uint8_t vector)
{
	if (count_one(vector) && !ioapic_mask(vector))
		log_warning("no I/O APIC input sends vector 0x%x (it is a message of a PCI device, "
			    "or a local source of the CPU): it cannot be masked here",
			    vector);
}

void stray_pic(unsigned int irq)
{
	if (!count_one(VECTOR_PIC_FIRST + irq))
		return;
	pic_mask(irq);
	log_warning("IRQ %u of the 8259 is masked", irq);
}
