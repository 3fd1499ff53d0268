#include "lib/kept_log.h"

#include "lib/string.h"
#include "lib/x86.h"

#define LINE 64 /* bytes that CLFLUSH writes back */

static const char signature[16] = "Resident log 1";

_Static_assert(offsetof(struct kept_log, text) == LINE, "the head is one line");

static uint64_t sum_of_head(const struct kept_log *log)
{
	uint64_t words[offsetof(struct kept_log, head_sum) / sizeof(uint64_t)], sum = 0;

	memcpy(words, log, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum = sum * 0x100000001b3 + words[i] + 1;
	return sum;
}

static void seal(struct kept_log *log)
{
	log->head_sum = sum_of_head(log);
	clflush(log);
}

void kept_log_begin(struct kept_log *log, uint64_t number)
{
	memset(log, 0, sizeof(*log));
	for (size_t i = 0; i < KEPT_LOG_TEXT; i += LINE)
		clflush(&log->text[i]);
	memcpy(log->signature, signature, sizeof(signature));
	log->number = number;
	seal(log);
}

void kept_log_write(struct kept_log *log, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint64_t at = log->written++ % KEPT_LOG_TEXT;

		log->text_sum += (at + 1) * ((uint64_t)(uint8_t)text[i] - (uint8_t)log->text[at]);
		log->text[at] = text[i];
		if (at % LINE == LINE - 1 || i == length - 1)
			clflush(&log->text[at]);
	}
	seal(log);
}

void kept_log_end_well(struct kept_log *log)
{
	log->ended = 1;
	seal(log);
}

enum kept_log_state kept_log_check(const struct kept_log *log)
{
	uint64_t sum = 0;

	if (memcmp(log->signature, signature, sizeof(signature)) ||
	    log->head_sum != sum_of_head(log))
		return KEPT_LOG_NONE;
	for (uint64_t i = 0; i < KEPT_LOG_TEXT; i++)
		sum += (i + 1) * (uint8_t)log->text[i];
	return sum == log->text_sum ? KEPT_LOG_WHOLE : KEPT_LOG_DAMAGED;
}

size_t kept_log_length(const struct kept_log *log)
{
	return log->written < KEPT_LOG_TEXT ? log->written : KEPT_LOG_TEXT;
}

char kept_log_at(const struct kept_log *log, size_t index)
{
	uint64_t first = log->written - kept_log_length(log);

	return log->text[(first + index) % KEPT_LOG_TEXT];
}
