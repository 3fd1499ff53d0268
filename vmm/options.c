#include "vmm/options.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/cmdline.h"
#include "lib/format.h"
#include "lib/string.h"

struct parser {
	struct options *options;
	void (*warn)(void *arg, const char *message);
	void *arg;
};

static uint32_t *field(struct options *options, const struct option *option)
{
	return (uint32_t *)((char *)options + option->offset);
}

static const char *word_of(const struct option *option, const struct choice *choice)
{
	return choice->word ? choice->word : option->name(choice->value);
}

static bool choose(const struct option *option, const char *word, uint32_t *value)
{
	for (uint32_t i = 0; i < option->choice_count; i++) {
		if (!strcmp(word_of(option, &option->choices[i]), word)) {
			*value = option->choices[i].value;
			return true;
		}
	}
	return false;
}

/* Takes text apart at + and comma. */
static bool choose_several(const struct option *option, char *text, uint32_t *value)
{
	uint32_t set = 0;

	for (bool more = true; more;) {
		char *end = text;
		uint32_t one;

		while (*end && *end != '+' && *end != ',')
			end++;
		more = *end != '\0';
		*end = '\0';
		if (!choose(option, text, &one))
			return false;
		set |= one;
		text = end + 1;
	}
	*value = set;
	return true;
}

static bool parse_value(const struct option *option, char *text, uint32_t *value)
{
	uint64_t number;

	if (option->text) {
		if (strlen(text) < OPTION_TEXT_SIZE)
			copy_string((char *)value, OPTION_TEXT_SIZE, text);
		return strlen(text) < OPTION_TEXT_SIZE;
	}
	if (option->list)
		return choose_several(option, text, value);
	if (option->choices)
		return choose(option, text, value);
	if (cmdline_number(text, &number) || number < option->min || number > option->max)
		return false;
	*value = (uint32_t)number;
	return true;
}

/* Each message is built up piece by piece, and cut where there is no room. */
struct message {
	char text[320];
	size_t length;
};

static void add(struct message *message, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void add(struct message *message, const char *fmt, ...)
{
	size_t room = sizeof(message->text) - message->length;
	va_list args;
	int length;

	va_start(args, fmt);
	length = format_v(message->text + message->length, room, fmt, args);
	va_end(args);
	message->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void add_accepted(struct message *message, const struct option *option)
{
	if (option->accepted)
		add(message, "%s", option->accepted);
	else if (!option->choices)
		add(message, "%u to %u", option->min, option->max);
	for (uint32_t i = 0; i < option->choice_count; i++)
		add(message, "%s%s", i ? ", " : "", word_of(option, &option->choices[i]));
	if (option->note)
		add(message, "%s", option->note);
}

static void parse_word(struct parser *p, char *word)
{
	char *value = cmdline_split(word), given[48];
	struct message message = {};
	char on[] = "on";

	for (const struct option *option = option_table; option->key; option++) {
		if (strcmp(option->key, word) || (!value && !option->alone))
			continue;
		if (!value)
			value = on;
		copy_string(given, sizeof(given), value);
		if (parse_value(option, value, field(p->options, option)))
			return;
		add(&message, "option %s=%s is ignored: accepted is ", option->key, given);
		add_accepted(&message, option);
		p->warn(p->arg, message.text);
		return;
	}
	add(&message, "option %.40s is not known: accepted are", word);
	for (const struct option *option = option_table; option->key; option++)
		add(&message, " %s", option->key);
	p->warn(p->arg, message.text);
}

void options_parse(struct options *options, const char *cmdline,
		   void (*warn)(void *arg, const char *message), void *arg)
{
	struct parser p = {options, warn, arg};
	char word[128];
	int result;

	for (const struct option *option = option_table; option->key; option++)
		*field(options, option) = option->initial; /* of a text: it is empty */
	for (bool first = true; (result = cmdline_next(&cmdline, word, sizeof(word))) != 0;
	     first = false) {
		/* QEMU's -kernel puts the file's name first */
		if (first && !strchr(word, '=') && (strchr(word, '/') || strchr(word, '.')))
			continue;
		if (result < 0) {
			struct message message = {};

			add(&message, "option %.40s is ignored: it is too long, or a quote is open",
			    word);
			warn(arg, message.text);
			continue;
		}
		parse_word(&p, word);
	}
}
