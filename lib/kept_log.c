#include "lib/kept_log.h"

#include "lib/string.h"
#include "lib/x86.h"

#define LINE  KEPT_LOG_LINE
#define LINES (KEPT_LOG_TEXT / LINE)

static const char signature[16] = "Resident log 1";

_Static_assert(offsetof(struct kept_log, text) == LINE, "the head is one line");

typedef uint64_t __attribute__((may_alias)) word;

static uint64_t sum_of(const word *from, size_t words)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < words; i++)
		sum = (sum ^ from[i]) * 0x9e3779b97f4a7c15;
	return sum;
}

static uint64_t sum_of_head(const struct kept_log *log)
{
	return sum_of((const word *)log, offsetof(struct kept_log, head_sum) / sizeof(uint64_t));
}

/* 0 if there is nothing in it. */
static uint64_t sum_of_line(const struct kept_log *log, uint64_t line)
{
	return sum_of((const word *)&log->text[line * LINE], LINE / sizeof(uint64_t)) *
	       (2 * line + 1);
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

/* The next one is left out of the sum, before anything of it is written over. */
static void end_line(struct kept_log *log, uint64_t line)
{
	log->text_sum += sum_of_line(log, line) - sum_of_line(log, (line + 1) % LINES);
	clflush(&log->text[line * LINE]);
	log->written = log->position;
	seal(log);
}

void kept_log_write(struct kept_log *log, const char *text, size_t length)
{
	bool whole = length && text[length - 1] == '\n';

	while (length) {
		uint64_t at = log->position % KEPT_LOG_TEXT;
		size_t room = LINE - at % LINE, size = length < room ? length : room;

		memcpy(&log->text[at], text, size);
		log->position += size;
		text += size;
		length -= size;
		if (size == room)
			end_line(log, at / LINE);
	}
	if (!whole || log->written == log->position)
		return;
	clflush(&log->text[log->position % KEPT_LOG_TEXT]);
	log->written = log->position;
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
	for (uint64_t line = 0; line < LINES; line++)
		if (line != log->written % KEPT_LOG_TEXT / LINE)
			sum += sum_of_line(log, line);
	return sum == log->text_sum ? KEPT_LOG_WHOLE : KEPT_LOG_DAMAGED;
}

/* What is left of the oldest line is no text that anybody knows to be whole. */
size_t kept_log_length(const struct kept_log *log)
{
	uint64_t kept = KEPT_LOG_TEXT - LINE + log->written % LINE;

	return log->written < kept ? log->written : kept;
}

char kept_log_at(const struct kept_log *log, size_t index)
{
	uint64_t first = log->written - kept_log_length(log);

	return log->text[(first + index) % KEPT_LOG_TEXT];
}
