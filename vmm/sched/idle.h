/*
 * A CPU with nothing to run.
 */
#pragma once

struct options;
struct pcpu;

/*
 * Halts until a timer here is due, the console has taken something, or another CPU sends work, and
 * the first CPU until it has to look at what is typed; or not at all, if there is work after a last
 * look.
 */
void idle(struct pcpu *pcpu, const struct options *options);
