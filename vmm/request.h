/*
 * What a vCPU is asked to stop for: the one pending word, looked at before the guest is entered.
 */
#pragma once

#include <stdint.h>

#define VCPU_YIELD  1u /* it gives up the rest of its slice */
#define VCPU_OUTPUT 2u /* there is output that did not wait before, or its ring is nearly full */
#define VCPU_VM	    4u /* its VM is to end or to be reset: vm_carry_out() */

#define VCPU_INTERRUPT 8u /* interrupts_arrived() */

struct pcpu;
struct vcpu;

/*
 * Asks the run loop to look, before the guest is entered again: at the time, at its state, and at
 * `what`. One that sleeps is woken for it. On any CPU; where it is another one, that is kicked.
 */
void vcpu_request(struct vcpu *vcpu, uint32_t what);

/*
 * VCPU_INTERRUPT, for another vCPU of a VM with several. Who only waits for its turn is not kicked:
 * that CPU runs another guest, which has nothing to do with it. Under the VM's lock.
 */
void vcpu_tell(struct vcpu *vcpu);

/* One that was woken waits where another has its turn: a CPU that halts may have it. At boot. */
extern void (*request_offer)(const struct pcpu *at, const struct vcpu *vcpu);
