# The ownership core, explored exhaustively (docs/model.md): `make model`.

MODEL_DIR     := build/model
MODEL_SOURCES := $(wildcard tests/model/*.c tests/model/*.h tests/model/*.sh fpu/*.h lib/*.h) \
	fpu/owner.c fpu/policy.c

.PHONY: model
model: $(MODEL_DIR)/model ## explore every interleaving of the ownership core on two CPUs
	@sh tests/model/run.sh $(MODEL_DIR)

$(MODEL_DIR)/model: $(MODEL_SOURCES)
	sh tests/model/build.sh . $(MODEL_DIR)

.PHONY: mutants
mutants: ## put bugs into copies of the ownership core: each must be found
	/usr/bin/python3 -m pytest -q -n 2 tests/model
