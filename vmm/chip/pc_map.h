/*
 * Where what the tables tell of is in a guest's PC (mp_tables.h, acpi_tables.h; dsdt.asl has the
 * devices that every PC has in the same place).
 */
#pragma once

#define PC_LOCAL_APIC	      0xFEE00000u
#define PC_LOCAL_APIC_VERSION 0x14
#define PC_IOAPIC	      0xFEC00000u
#define PC_IOAPIC_VERSION     0x20
#define PC_HPET		      0xFED00000u
#define PC_HPET_CAPABILITIES  0x8086A201u /* the low half of its register of this name */
#define PC_HPET_TICKS_MIN     200 /* between periodic interrupts, of which then none is lost */

/* Ports. */
#define PC_PM1_EVENT	       0x600
#define PC_PM1_CONTROL	       0x604
#define PC_PM_TIMER	       0x608
#define PC_RESET_CONTROL       0xCF9
#define PC_RESET_CONTROL_RESET 0x06

/* Interrupts of the ISA bus. Each is a pin of the I/O APIC by its number, but the first. */
#define PC_IRQS		 16
#define PC_IRQ_TIMER	 0
#define PC_IRQ_KEYBOARD	 1
#define PC_IRQ_COM1	 4
#define PC_IRQ_RTC	 8
#define PC_IRQ_TIMER_PIN 2
#define PC_IRQ_CASCADE	 2 /* of the two 8259A: nothing for the I/O APIC */
#define PC_IRQ_SCI	 9 /* level-triggered, active high; the others are edge-triggered */

/* Pins of the local APICs: of the first CPU's the 8259A, of all the NMI. */
#define PC_LINT_8259A 0
#define PC_LINT_NMI   1
