/*
 * Bits of VMCS control fields and capability MSRs: SDM Vol. 3C 24.6 to 24.8, Vol. 3D Appendix A.
 */
#pragma once

#define PIN_EXTERNAL_INTERRUPT_EXITING (1u << 0)
#define PIN_NMI_EXITING		       (1u << 3)
#define PIN_VIRTUAL_NMIS	       (1u << 5)
#define PIN_PREEMPTION_TIMER	       (1u << 6)
#define PIN_POSTED_INTERRUPTS	       (1u << 7)

#define PRIMARY_INTERRUPT_WINDOW_EXITING (1u << 2)
#define PRIMARY_USE_TSC_OFFSETTING	 (1u << 3)
#define PRIMARY_HLT_EXITING		 (1u << 7)
#define PRIMARY_MWAIT_EXITING		 (1u << 10)
#define PRIMARY_RDPMC_EXITING		 (1u << 11)
#define PRIMARY_TERTIARY_CONTROLS	 (1u << 17)
#define PRIMARY_CR8_LOAD_EXITING	 (1u << 19)
#define PRIMARY_CR8_STORE_EXITING	 (1u << 20)
#define PRIMARY_USE_TPR_SHADOW		 (1u << 21)
#define PRIMARY_NMI_WINDOW_EXITING	 (1u << 22)
#define PRIMARY_MOV_DR_EXITING		 (1u << 23)
#define PRIMARY_USE_IO_BITMAPS		 (1u << 25)
#define PRIMARY_MONITOR_TRAP_FLAG	 (1u << 27)
#define PRIMARY_USE_MSR_BITMAPS		 (1u << 28)
#define PRIMARY_MONITOR_EXITING		 (1u << 29)
#define PRIMARY_SECONDARY_CONTROLS	 (1u << 31)

#define SECONDARY_VIRTUALIZE_APIC_ACCESSES     (1u << 0)
#define SECONDARY_ENABLE_EPT		       (1u << 1)
#define SECONDARY_ENABLE_RDTSCP		       (1u << 3)
#define SECONDARY_VIRTUALIZE_X2APIC_MODE       (1u << 4)
#define SECONDARY_ENABLE_VPID		       (1u << 5)
#define SECONDARY_WBINVD_EXITING	       (1u << 6)
#define SECONDARY_UNRESTRICTED_GUEST	       (1u << 7)
#define SECONDARY_APIC_REGISTER_VIRTUALIZATION (1u << 8)
#define SECONDARY_VIRTUAL_INTERRUPT_DELIVERY   (1u << 9)
#define SECONDARY_PAUSE_LOOP_EXITING	       (1u << 10)
#define SECONDARY_ENABLE_INVPCID	       (1u << 12)
#define SECONDARY_ENABLE_VM_FUNCTIONS	       (1u << 13)
#define SECONDARY_VMCS_SHADOWING	       (1u << 14)
#define SECONDARY_ENCLS_EXITING		       (1u << 15)
#define SECONDARY_ENABLE_PML		       (1u << 17)
#define SECONDARY_EPT_VIOLATION_VE	       (1u << 18)
#define SECONDARY_ENABLE_XSAVES		       (1u << 20)
#define SECONDARY_PASID_TRANSLATION	       (1u << 21)
#define SECONDARY_MODE_BASED_EXECUTE	       (1u << 22)
#define SECONDARY_SUB_PAGE_WRITE	       (1u << 23)
#define SECONDARY_PT_GUEST_PHYSICAL	       (1u << 24)
#define SECONDARY_USE_TSC_SCALING	       (1u << 25)
#define SECONDARY_ENCLV_EXITING		       (1u << 28)
#define SECONDARY_BUS_LOCK_DETECTION	       (1u << 30)

#define TERTIARY_ENABLE_HLAT	     (1u << 1)
#define TERTIARY_EPT_PAGING_WRITE    (1u << 2)
#define TERTIARY_PAGING_VERIFICATION (1u << 3)
#define TERTIARY_IPI_VIRTUALIZATION  (1u << 4)

#define VM_FUNCTION_EPTP_SWITCHING (1u << 0)

#define EXIT_SAVE_DEBUG_CONTROLS     (1u << 2)
#define EXIT_HOST_ADDRESS_SPACE_SIZE (1u << 9)
#define EXIT_LOAD_PERF_GLOBAL_CTRL   (1u << 12)
#define EXIT_ACKNOWLEDGE_INTERRUPT   (1u << 15)
#define EXIT_SAVE_IA32_PAT	     (1u << 18)
#define EXIT_LOAD_IA32_PAT	     (1u << 19)
#define EXIT_SAVE_IA32_EFER	     (1u << 20)
#define EXIT_LOAD_IA32_EFER	     (1u << 21)
#define EXIT_SAVE_PREEMPTION_TIMER   (1u << 22)
#define EXIT_CLEAR_RTIT_CTL	     (1u << 25)
#define EXIT_LOAD_CET		     (1u << 28)
#define EXIT_LOAD_PKRS		     (1u << 29)
#define EXIT_SECONDARY_CONTROLS	     (1u << 31)

#define SECONDARY_EXIT_LOAD_SPEC_CTRL (1u << 2)

#define ENTRY_LOAD_DEBUG_CONTROLS     (1u << 2)
#define ENTRY_IA32E_MODE_GUEST	      (1u << 9)
#define ENTRY_TO_SMM		      (1u << 10)
#define ENTRY_DEACTIVATE_DUAL_MONITOR (1u << 11)
#define ENTRY_LOAD_PERF_GLOBAL_CTRL   (1u << 13)
#define ENTRY_LOAD_IA32_PAT	      (1u << 14)
#define ENTRY_LOAD_IA32_EFER	      (1u << 15)
#define ENTRY_LOAD_BNDCFGS	      (1u << 16)
#define ENTRY_LOAD_RTIT_CTL	      (1u << 18)
#define ENTRY_LOAD_UINV		      (1u << 19)
#define ENTRY_LOAD_CET		      (1u << 20)
#define ENTRY_LOAD_LBR_CTL	      (1u << 21)
#define ENTRY_LOAD_PKRS		      (1u << 22)
#define ENTRY_LOAD_SPEC_CTRL	      (1u << 24)

/* Interruption information, entry and exit and IDT-vectoring (SDM Vol. 3C 24.8.3, 24.9.2) */
#define INTERRUPTION_VECTOR	   0xffu
#define INTERRUPTION_TYPE	   (7u << 8)
#define INTERRUPTION_ERROR_CODE	   (1u << 11)
#define INTERRUPTION_NMI_UNBLOCKED (1u << 12)
#define INTERRUPTION_NESTED	   (1u << 13) /* entry, FRED */
#define INTERRUPTION_VALID	   (1u << 31)

#define TYPE_EXTERNAL_INTERRUPT	 (0u << 8)
#define TYPE_NMI		 (2u << 8)
#define TYPE_HARDWARE_EXCEPTION	 (3u << 8)
#define TYPE_SOFTWARE_INTERRUPT	 (4u << 8)
#define TYPE_PRIVILEGED_SOFTWARE (5u << 8)
#define TYPE_SOFTWARE_EXCEPTION	 (6u << 8)
#define TYPE_OTHER_EVENT	 (7u << 8)
#define TYPE_RESERVED		 (1u << 8)

/* Interruptibility state (SDM Vol. 3C table 24-3) */
#define BLOCKING_BY_STI	    (1u << 0)
#define BLOCKING_BY_MOV_SS  (1u << 1)
#define BLOCKING_BY_SMI	    (1u << 2)
#define BLOCKING_BY_NMI	    (1u << 3)
#define INTERRUPTED_ENCLAVE (1u << 4)

/* Activity state (SDM Vol. 3C 24.4.2) */
#define ACTIVITY_ACTIVE	       0
#define ACTIVITY_HLT	       1
#define ACTIVITY_SHUTDOWN      2
#define ACTIVITY_WAIT_FOR_SIPI 3

/* Pending debug exceptions (SDM Vol. 3C table 24-4), IA32_DEBUGCTL (SDM Vol. 3B 17.4.1) */
#define PENDING_DEBUG_B(n)    (1ull << (n))
#define PENDING_DEBUG_ENABLED (1ull << 12) /* a breakpoint that DR7 enables is among B0 to B3 */
#define PENDING_DEBUG_BS      (1ull << 14)
#define PENDING_DEBUG_BLD     (1ull << 11) /* a bus lock */
#define PENDING_DEBUG_RTM     (1ull << 16)
#define DEBUGCTL_BTF	      (1ull << 1)

/* Access rights (SDM Vol. 3C table 24-2) */
#define ACCESS_RIGHTS_TYPE	0xfu
#define ACCESS_RIGHTS_S		(1u << 4)
#define ACCESS_RIGHTS_DPL	(3u << 5)
#define ACCESS_RIGHTS_DPL_SHIFT 5
#define ACCESS_RIGHTS_P		(1u << 7)
#define ACCESS_RIGHTS_L		(1u << 13)
#define ACCESS_RIGHTS_DB	(1u << 14)
#define ACCESS_RIGHTS_G		(1u << 15)
#define ACCESS_RIGHTS_UNUSABLE	(1u << 16)

/* IA32_VMX_EPT_VPID_CAP (SDM Vol. 3D A.10) */
#define EPT_CAP_WALK_LENGTH_4	(1ull << 6)
#define EPT_CAP_WALK_LENGTH_5	(1ull << 7)
#define EPT_CAP_UNCACHEABLE	(1ull << 8)
#define EPT_CAP_WRITE_BACK	(1ull << 14)
#define EPT_CAP_2M_PAGES	(1ull << 16)
#define EPT_CAP_1G_PAGES	(1ull << 17)
#define EPT_CAP_INVEPT		(1ull << 20)
#define EPT_CAP_ACCESSED_DIRTY	(1ull << 21)
#define EPT_CAP_SHADOW_STACK	(1ull << 23)
#define EPT_CAP_INVEPT_SINGLE	(1ull << 25)
#define EPT_CAP_INVEPT_ALL	(1ull << 26)
#define VPID_CAP_INVVPID	(1ull << 32)
#define VPID_CAP_INVVPID_SINGLE (1ull << 41)
#define VPID_CAP_INVVPID_ALL	(1ull << 42)

/* IA32_VMX_BASIC and IA32_VMX_MISC (SDM Vol. 3D A.1, A.6) */
#define BASIC_REVISION		  0x7fffffffull
#define BASIC_32_BIT_ADDRESSES	  (1ull << 48)
#define BASIC_ANY_ERROR_CODE	  (1ull << 56) /* hardware exceptions with or without one */
#define BASIC_NESTED_EXCEPTION	  (1ull << 58)
#define MISC_ACTIVITY_STATE(n)	  (1ull << (5 + (n))) /* of HLT and those above it */
#define MISC_CR3_TARGETS(misc)	  ((misc) >> 16 & 0x1ff)
#define MISC_INSTRUCTION_LENGTH_0 (1ull << 30)
#define VMCS_SHADOW_INDICATOR	  (1u << 31) /* in the first word of a VMCS region */
