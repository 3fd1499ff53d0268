/* What must hold of mail, VMCSs and registers, by the numbers of docs/model.md: in worlds with
 * mail. */
#pragma once

/* After every step of any CPU, in the middle of operations too. */
void mail_invariants_check(void);
