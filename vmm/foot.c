#include "vmm/foot.h"

#include "lib/console.h"
#include "lib/lock.h"
#include "lib/string.h"

static struct spinlock lock; /* LOCK_LEAF: all that follows */
static char text[FOOT_SIZE];
static size_t length;
static size_t shown;  /* characters that the device has */
static bool stale;    /* they are not those of `text` */
static size_t erased; /* of FOOT_ERASE: what has been sent */

void foot_set(const char *new_text)
{
	spin_lock(&lock);
	stale = stale || strncmp(text, new_text, shown) || shown > strlen(new_text);
	copy_string(text, sizeof(text), new_text);
	length = strlen(text);
	spin_unlock(&lock);
}

static void erase(size_t *sent)
{
	size_t done = console_echo(FOOT_ERASE + erased, sizeof(FOOT_ERASE) - 1 - erased);

	*sent += done;
	erased += done;
	if (erased < sizeof(FOOT_ERASE) - 1)
		return;
	erased = shown = 0;
	stale = false;
}

static void append(size_t *sent)
{
	size_t done = console_echo(text + shown, length - shown);

	*sent += done;
	shown += done;
}

bool foot_send(bool hide, size_t *sent)
{
	bool done;

	spin_lock(&lock);
	if (erased || (shown && (hide || stale)))
		erase(sent);
	if (!hide && !erased && !stale && shown < length)
		append(sent);
	done = hide ? !shown : !stale && shown == length;
	spin_unlock(&lock);
	return done;
}

bool foot_is_shown(void)
{
	return shown;
}

bool foot_waits(void)
{
	bool waits;

	spin_lock(&lock);
	waits = stale || shown != length;
	spin_unlock(&lock);
	return waits;
}
