#include "tests/model/configurations.h"
#include "tests/model/operations.h"

#define OP(name) (1u << OPERATION_##name)
#define RUN	 (OP(PICK) | OP(ENTER) | OP(PUT) | OP(FLUSH) | OP(USE) | OP(EXIT))
#define LIFE	 (OP(END) | OP(RELEASE) | OP(REUSE))
#define IMAGES	 (OP(READ) | OP(WRITE) | OP(RESET))
#define GUEST	 (OP(TS) | OP(XCR0))
#define ALL	 (RUN | LIFE | IMAGES | GUEST | OP(HOST) | OP(OFFLINE))

/* with mail */
#define MAILED (OP(PICK) | OP(ENTER) | OP(PUT) | OP(SERVE) | OP(USE) | OP(EXIT))

#define BIT_OF(policy) (1u << (policy))
#define EVERY_POLICY   (BIT_OF(FPU_POLICIES) - 1)

/* A and B are strangers to each other, B and C are of one trust domain. */
#define WORLD(cpu_count, context_count, at, first_policy)                                          \
	.cpus = (cpu_count), .contexts = (context_count), .grain = (at),                           \
	.domain = {FPU_DOMAIN_FIRST, FPU_DOMAIN_FIRST + 1, FPU_DOMAIN_FIRST + 1},                  \
	.policy = {(first_policy), (first_policy)}, .interval_max = 2

#define TWO_CPUS(contexts, policy) WORLD(2, contexts, GRAIN_SHARED, policy)
#define MAIL(contexts, policy)	   TWO_CPUS(contexts, policy), .mail = true
#define MAIL_TWO(policy)	   WORLD(2, 2, GRAIN_MAIL, policy), .mail = true
#define ONE_CPU(contexts, policy)  WORLD(1, contexts, GRAIN_WHOLE, policy)

const struct configuration configurations[] = {
	{.name = "every-access", WORLD(2, 2, GRAIN_EVERY, FPU_LAZY), .operations = RUN},
	{.name = "three-lazy", TWO_CPUS(3, FPU_LAZY), .operations = RUN},
	{.name = "two-lazy-nmi", TWO_CPUS(2, FPU_LAZY), .operations = RUN | OP(NMI)},
	{.name = "two-swap-nmi", TWO_CPUS(2, FPU_SWAP), .operations = RUN | OP(HOST) | OP(NMI)},
	{.name = "two-lazy-life", TWO_CPUS(2, FPU_LAZY), .operations = RUN | LIFE},
	{.name = "two-lazy-host", TWO_CPUS(2, FPU_LAZY), .operations = RUN | OP(HOST)},
	{.name = "two-lazy-ts", TWO_CPUS(2, FPU_LAZY), .operations = RUN | OP(TS)},
	{.name = "two-lazy-offline", TWO_CPUS(2, FPU_LAZY), .operations = RUN | OP(OFFLINE)},
	{.name = "two-lazy-read", TWO_CPUS(2, FPU_LAZY), .operations = RUN | OP(READ)},
	{.name = "two-scrub", TWO_CPUS(2, FPU_SCRUB), .operations = RUN},
	{.name = "two-unload", TWO_CPUS(2, FPU_UNLOAD), .operations = RUN | OP(READ)},
	{.name = "two-eager-life", TWO_CPUS(2, FPU_EAGER), .operations = RUN | LIFE},
	{.name = "two-eager-images", TWO_CPUS(2, FPU_EAGER), .operations = RUN | IMAGES},
	{.name = "two-eager-xcr0", TWO_CPUS(2, FPU_EAGER), .operations = RUN | OP(XCR0)},
	{.name = "two-swap",
	 TWO_CPUS(2, FPU_SWAP),
	 .other_domain = FPU_DOMAIN_FIRST + 2,
	 .operations = RUN | LIFE | IMAGES},
	{.name = "two-policies",
	 TWO_CPUS(2, FPU_LAZY),
	 .policies = BIT_OF(FPU_LAZY) | BIT_OF(FPU_SWAP),
	 .operations = RUN | OP(POLICY)},
	{.name = "wander-lazy",
	 TWO_CPUS(1, FPU_LAZY),
	 .other_domain = FPU_DOMAIN_FIRST + 1,
	 .operations = RUN | LIFE | OP(HOST) | OP(OFFLINE)},
	{.name = "wander-images", TWO_CPUS(1, FPU_LAZY), .operations = RUN | IMAGES | OP(HOST)},
	{.name = "wander-guest", TWO_CPUS(1, FPU_LAZY), .operations = RUN | GUEST},
	{.name = "wander-auto", TWO_CPUS(1, FPU_AUTO), .operations = RUN | OP(HOST)},
	{.name = "mail-every-access",
	 WORLD(2, 1, GRAIN_EVERY, FPU_LAZY),
	 .mail = true,
	 .operations = MAILED | OP(NMI)},
	{.name = "mail-lazy", MAIL_TWO(FPU_LAZY), .operations = MAILED},
	{.name = "mail-swap", MAIL_TWO(FPU_SWAP), .operations = MAILED},
	{.name = "mail-swap-nmi", MAIL_TWO(FPU_SWAP), .operations = (MAILED | OP(NMI)) & ~OP(USE)},
	{.name = "mail-auto", MAIL(1, FPU_AUTO), .operations = MAILED | OP(NMI)},
	{.name = "mail-host", MAIL(1, FPU_LAZY), .operations = MAILED | OP(NMI) | OP(HOST)},
	{.name = "mail-idle",
	 MAIL(1, FPU_UNLOAD),
	 .operations = (MAILED | OP(NMI) | OP(IDLE) | OP(WAKE)) & ~OP(USE)},
	{.name = "mail-life",
	 MAIL(1, FPU_LAZY),
	 .other_domain = FPU_DOMAIN_FIRST + 1,
	 .operations = MAILED | OP(NMI) | OP(END) | OP(REUSE)},
	{.name = "mail-two-life",
	 MAIL_TWO(FPU_SWAP),
	 .operations = (MAILED | OP(END) | OP(REUSE)) & ~OP(USE)},
	{.name = "mail-tiles", MAIL_TWO(FPU_SWAP), .tiles = 1, .operations = MAILED & ~OP(USE)},
	{.name = "mail-tiles-life",
	 MAIL(1, FPU_LAZY),
	 .tiles = 1,
	 .operations = (MAILED | OP(NMI) | OP(END) | OP(REUSE) | OP(OFFLINE)) & ~OP(USE)},
	{.name = "mail-offline", MAIL(1, FPU_LAZY), .operations = MAILED | OP(NMI) | OP(OFFLINE)},
	{.name = "mail-policies",
	 MAIL(1, FPU_LAZY),
	 .policies = BIT_OF(FPU_LAZY) | BIT_OF(FPU_SWAP),
	 .operations = MAILED | OP(POLICY)},
	{.name = "one-lazy", ONE_CPU(2, FPU_LAZY), .operations = ALL},
	{.name = "one-scrub",
	 ONE_CPU(2, FPU_SCRUB),
	 .other_domain = FPU_DOMAIN_FIRST + 2,
	 .operations = ALL},
	{.name = "one-auto",
	 ONE_CPU(2, FPU_AUTO),
	 .other_domain = FPU_DOMAIN_FIRST + 2,
	 .operations = RUN | LIFE | OP(HOST)},
	{.name = "one-three", ONE_CPU(3, FPU_LAZY), .operations = RUN | LIFE | IMAGES | OP(HOST)},
	{.name = "one-policies",
	 ONE_CPU(2, FPU_LAZY),
	 .policies = EVERY_POLICY & ~BIT_OF(FPU_AUTO),
	 .operations = RUN | OP(TS) | OP(HOST) | OP(POLICY)},
	{.name = "one-auto-policies",
	 ONE_CPU(2, FPU_AUTO),
	 .policies = EVERY_POLICY,
	 .operations = RUN | OP(POLICY)},
	{}};

/* For the demon, whose choices are those of every policy. */
const struct configuration demon_configurations[] = {
	{.name = "demon-two", TWO_CPUS(2, FPU_LAZY), .operations = RUN},
	{.name = "demon-wander",
	 TWO_CPUS(1, FPU_LAZY),
	 .operations = RUN | LIFE | OP(HOST) | OP(OFFLINE)},
	{.name = "demon-mail", MAIL(1, FPU_LAZY), .operations = MAILED | OP(NMI) | OP(HOST)},
	{.name = "demon-one", ONE_CPU(2, FPU_LAZY), .operations = ALL},
	{}};
