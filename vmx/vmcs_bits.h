/*
 * Bits of VMCS control fields and capability MSRs: SDM Vol. 3C 24.6 to 24.8, Vol. 3D Appendix A.
 */
#pragma once

#define PIN_EXTERNAL_INTERRUPT_EXITING (1u << 0)
#define PIN_NMI_EXITING		       (1u << 3)
#define PIN_VIRTUAL_NMIS	       (1u << 5)
#define PIN_PREEMPTION_TIMER	       (1u << 6)

#define PRIMARY_INTERRUPT_WINDOW_EXITING (1u << 2)
#define PRIMARY_USE_TSC_OFFSETTING	 (1u << 3)
#define PRIMARY_HLT_EXITING		 (1u << 7)
#define PRIMARY_MWAIT_EXITING		 (1u << 10)
#define PRIMARY_RDPMC_EXITING		 (1u << 11)
#define PRIMARY_CR8_LOAD_EXITING	 (1u << 19)
#define PRIMARY_CR8_STORE_EXITING	 (1u << 20)
#define PRIMARY_USE_TPR_SHADOW		 (1u << 21)
#define PRIMARY_NMI_WINDOW_EXITING	 (1u << 22)
#define PRIMARY_USE_IO_BITMAPS		 (1u << 25)
#define PRIMARY_MONITOR_TRAP_FLAG	 (1u << 27)
#define PRIMARY_USE_MSR_BITMAPS		 (1u << 28)
#define PRIMARY_MONITOR_EXITING		 (1u << 29)
#define PRIMARY_SECONDARY_CONTROLS	 (1u << 31)

#define SECONDARY_VIRTUALIZE_APIC_ACCESSES   (1u << 0)
#define SECONDARY_ENABLE_EPT		     (1u << 1)
#define SECONDARY_ENABLE_RDTSCP		     (1u << 3)
#define SECONDARY_VIRTUALIZE_X2APIC_MODE     (1u << 4)
#define SECONDARY_ENABLE_VPID		     (1u << 5)
#define SECONDARY_WBINVD_EXITING	     (1u << 6)
#define SECONDARY_UNRESTRICTED_GUEST	     (1u << 7)
#define SECONDARY_VIRTUAL_INTERRUPT_DELIVERY (1u << 9)
#define SECONDARY_ENABLE_INVPCID	     (1u << 12)
#define SECONDARY_ENCLS_EXITING		     (1u << 15)
#define SECONDARY_ENABLE_XSAVES		     (1u << 20)
#define SECONDARY_ENCLV_EXITING		     (1u << 28)
#define SECONDARY_BUS_LOCK_DETECTION	     (1u << 30)

#define EXIT_SAVE_DEBUG_CONTROLS     (1u << 2)
#define EXIT_HOST_ADDRESS_SPACE_SIZE (1u << 9)
#define EXIT_ACKNOWLEDGE_INTERRUPT   (1u << 15)
#define EXIT_SAVE_IA32_PAT	     (1u << 18)
#define EXIT_LOAD_IA32_PAT	     (1u << 19)
#define EXIT_SAVE_IA32_EFER	     (1u << 20)
#define EXIT_LOAD_IA32_EFER	     (1u << 21)
#define EXIT_SAVE_PREEMPTION_TIMER   (1u << 22)

#define ENTRY_LOAD_DEBUG_CONTROLS (1u << 2)
#define ENTRY_IA32E_MODE_GUEST	  (1u << 9)
#define ENTRY_LOAD_IA32_PAT	  (1u << 14)
#define ENTRY_LOAD_IA32_EFER	  (1u << 15)

/* Interruption information, entry and exit and IDT-vectoring (SDM Vol. 3C 24.8.3, 24.9.2) */
#define INTERRUPTION_VECTOR	   0xffu
#define INTERRUPTION_TYPE	   (7u << 8)
#define INTERRUPTION_ERROR_CODE	   (1u << 11)
#define INTERRUPTION_NMI_UNBLOCKED (1u << 12)
#define INTERRUPTION_VALID	   (1u << 31)

#define TYPE_EXTERNAL_INTERRUPT	 (0u << 8)
#define TYPE_NMI		 (2u << 8)
#define TYPE_HARDWARE_EXCEPTION	 (3u << 8)
#define TYPE_SOFTWARE_INTERRUPT	 (4u << 8)
#define TYPE_PRIVILEGED_SOFTWARE (5u << 8)
#define TYPE_SOFTWARE_EXCEPTION	 (6u << 8)

/* Interruptibility state (SDM Vol. 3C table 24-3) */
#define BLOCKING_BY_STI	   (1u << 0)
#define BLOCKING_BY_MOV_SS (1u << 1)
#define BLOCKING_BY_NMI	   (1u << 3)

/* Pending debug exceptions (SDM Vol. 3C table 24-4), IA32_DEBUGCTL (SDM Vol. 3B 17.4.1) */
#define PENDING_DEBUG_B(n)    (1ull << (n))
#define PENDING_DEBUG_ENABLED (1ull << 12) /* a breakpoint that DR7 enables is among B0 to B3 */
#define PENDING_DEBUG_BS      (1ull << 14)
#define DEBUGCTL_BTF	      (1ull << 1)

/* Access rights (SDM Vol. 3C table 24-2) */
#define ACCESS_RIGHTS_DPL_SHIFT 5
#define ACCESS_RIGHTS_L		(1u << 13)
#define ACCESS_RIGHTS_DB	(1u << 14)
#define ACCESS_RIGHTS_UNUSABLE	(1u << 16)

/* IA32_VMX_EPT_VPID_CAP (SDM Vol. 3D A.10) */
#define EPT_CAP_WALK_LENGTH_4	(1ull << 6)
#define EPT_CAP_WRITE_BACK	(1ull << 14)
#define EPT_CAP_2M_PAGES	(1ull << 16)
#define EPT_CAP_1G_PAGES	(1ull << 17)
#define EPT_CAP_INVEPT		(1ull << 20)
#define EPT_CAP_INVEPT_SINGLE	(1ull << 25)
#define EPT_CAP_INVEPT_ALL	(1ull << 26)
#define VPID_CAP_INVVPID	(1ull << 32)
#define VPID_CAP_INVVPID_SINGLE (1ull << 41)
#define VPID_CAP_INVVPID_ALL	(1ull << 42)
