/*
 * How a CPU goes offline and comes back: what vmm/online.h has been asked of it.
 */
#pragma once

struct pcpu;

/*
 * Between two turns of this CPU, if online_changes(). Going offline, its vCPUs go to other CPUs'
 * queues, and all that it has of any vCPU goes to memory: VMCSs, registers, the FPU's.
 */
void offline_follow(struct pcpu *pcpu);
