#include "vmm/doctor/hazards.h"

#include "lib/console.h"

void doctor_examine_hazards(struct findings *findings, const struct mitigations *m)
{
	for (enum hazard h = 0; h < HAZARDS; h++) {
		enum verdict verdict = m->hazard[h].verdict;

		finding_say(findings, "hazards", hazard_name(h), verdict, "%s",
			    verdict_name(verdict));
		findings->row[findings->count - 1].quiet = verdict == VERDICT_UNAFFECTED;
	}
}

void doctor_explain_hazards(const struct mitigations *m)
{
	for (enum hazard h = 0; h < HAZARDS; h++)
		if (m->hazard[h].verdict != VERDICT_UNAFFECTED)
			print("%s is %s: %s\n", hazard_name(h), verdict_name(m->hazard[h].verdict),
			      m->hazard[h].why);
}
