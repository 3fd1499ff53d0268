/* The local APIC: SDM Vol. 3A 10.4.1, 10.5.1, 10.6.1, 10.12.1. */
#pragma once

#define MSR_APIC_BASE	   0x1b
#define MSR_TSC_ADJUST	   0x3b
#define MSR_X2APIC(offset) (0x800 + (offset) / 16)
#define APIC_BASE_BSP	   0x100
#define APIC_BASE_X2APIC   0x400
#define APIC_BASE_ON	   0x800

/* Its page, and where the registers are in it */
#define APIC		0xfee00000u
#define APIC_ID		0x20
#define APIC_VERSION	0x30
#define APIC_TPR	0x80
#define APIC_PPR	0xa0
#define APIC_EOI	0xb0
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SVR	0xf0
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_ICR	0x300
#define APIC_ICR_HIGH	0x310
#define APIC_LVT_TIMER	0x320
#define APIC_LVT_LINT0	0x350
#define APIC_LVT_LINT1	0x360
#define APIC_LVT_ERROR	0x370
#define APIC_INITIAL	0x380
#define APIC_CURRENT	0x390
#define APIC_DIVIDE	0x3e0
#define X2APIC_SELF_IPI 0x3f0

#define ICR_LOWEST	 0x100
#define ICR_NMI		 0x400
#define ICR_INIT	 0x4500
#define ICR_STARTUP	 0x4600
#define ICR_LOGICAL	 0x800
#define ICR_SELF	 0x40000
#define ICR_ALL		 0x80000
#define ICR_ALL_BUT_SELF 0xc0000
