/* model [-n STATES] [CONFIGURATION...]: explores those named, or all; -l lists them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/configurations.h"
#include "tests/model/explore.h"

static bool wanted(const char *name, char **names, int count)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return true;
	return count == 0;
}

int main(int argc, char **argv)
{
	const struct configuration *table = policy_is_demon ? demon_configurations : configurations;
	uint32_t states_max = UINT32_MAX / 2;
	int first = 1, status = 0, explored = 0;

	if (argc > 1 && !strcmp(argv[1], "-l")) {
		for (unsigned int i = 0; table[i].name; i++)
			puts(table[i].name);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "-n")) {
		states_max = (uint32_t)strtoul(argv[2], NULL, 0);
		first = 3;
	}
	for (unsigned int i = 0; table[i].name && !status; i++) {
		if (!wanted(table[i].name, argv + first, argc - first))
			continue;
		explored++;
		status = explore(&table[i], states_max);
		fflush(stdout);
	}
	if (!explored) {
		fputs("model: no such configuration; -l lists them\n", stderr);
		return 2;
	}
	return status;
}
