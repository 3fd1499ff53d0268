#include "tests/model/configurations.h"
#include "tests/model/operations.h"

#define A_DOMAIN     FPU_DOMAIN_FIRST
#define B_DOMAIN     (FPU_DOMAIN_FIRST + 1)
#define OP(name)     (1u << OPERATION_##name)
#define RUN	     (OP(PICK) | OP(ENTER) | OP(PUT) | OP(FLUSH) | OP(USE) | OP(EXIT))
#define LIFE	     (OP(END) | OP(RELEASE) | OP(REUSE))
#define IMAGES	     (OP(READ) | OP(WRITE))
#define GUEST	     (OP(TS) | OP(XCR0))
#define ALL	     (RUN | LIFE | IMAGES | GUEST | OP(HOST) | OP(POLICY) | OP(OFFLINE))

const struct configuration configurations[] = {
	{.name = "run", .cpus = 2, .contexts = 2, .domain = {A_DOMAIN, B_DOMAIN},
	 .grain = GRAIN_SHARED, .operations = RUN},
	{.name = "run-every", .cpus = 2, .contexts = 2, .domain = {A_DOMAIN, B_DOMAIN},
	 .grain = GRAIN_EVERY, .operations = RUN},
	{.name = "run-life", .cpus = 2, .contexts = 2, .domain = {A_DOMAIN, B_DOMAIN},
	 .grain = GRAIN_SHARED, .operations = RUN|LIFE},
	{.name = "run3", .cpus = 2, .contexts = 3, .domain = {A_DOMAIN, B_DOMAIN,B_DOMAIN},
	 .grain = GRAIN_SHARED, .operations = RUN},
	{.name = "run-guest", .cpus = 2, .contexts = 2, .domain = {A_DOMAIN, B_DOMAIN},
	 .grain = GRAIN_SHARED, .operations = RUN|GUEST},
	{.name = "run-images", .cpus = 2, .contexts = 2, .domain = {A_DOMAIN, B_DOMAIN},
	 .grain = GRAIN_SHARED, .operations = RUN|IMAGES},
	{.name = "run-host", .cpus = 2, .contexts = 2, .domain = {A_DOMAIN, B_DOMAIN},
	 .grain = GRAIN_SHARED, .operations = RUN|OP(HOST)},
	{.name = "run-off", .cpus = 2, .contexts = 2, .domain = {A_DOMAIN, B_DOMAIN},
	 .grain = GRAIN_SHARED, .operations = RUN|OP(OFFLINE)},
	{.name = "all", .cpus = 2, .contexts = 2, .domain = {A_DOMAIN, B_DOMAIN},
	 .grain = GRAIN_SHARED, .operations = ALL},
	{}
};
