#include "vmm/lost_memory.h"

#include "boot/layout.h"

#define LOST_MAX 32

static struct {
	uint64_t start, end;
} ranges[LOST_MAX];
static unsigned int count;

bool lost_memory_note(uint64_t start, uint64_t size)
{
	if (count == LOST_MAX)
		return false;
	ranges[count].start = start & ~(PAGE_SIZE - 1ull);
	ranges[count].end = (start + size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);
	count++;
	return true;
}

uint64_t lost_memory_run(uint64_t start, uint64_t size, bool *lost)
{
	uint64_t end = start + size;

	*lost = false;
	for (unsigned int i = 0; i < count; i++) {
		if (start >= ranges[i].start && start < ranges[i].end) {
			*lost = true;
			return (end < ranges[i].end ? end : ranges[i].end) - start;
		}
		if (ranges[i].start > start && ranges[i].start < end)
			end = ranges[i].start;
	}
	return end - start;
}
