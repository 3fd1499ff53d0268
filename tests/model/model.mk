# The ownership core and the moves between CPUs, explored exhaustively (docs/model.md), and the core
# proven (docs/proof.md).

MODEL_DIR     := build/model
MODEL_SOURCES := $(wildcard tests/model/*.c tests/model/*.h tests/model/*.sh tests/model/include/*/*.h \
	fpu/*.h lib/*.h vmm/*.h vmx/*.h boot/*.h) fpu/owner.c fpu/policy.c vmm/mail.c vmm/loaded.c

.PHONY: model
model: $(MODEL_DIR)/model ## explore every interleaving of the ownership core and of moves between two CPUs
	@tools/setup test
	@sh tests/model/run.sh $(MODEL_DIR)

$(MODEL_DIR)/model: $(MODEL_SOURCES)
	sh tests/model/build.sh . $(MODEL_DIR)

.PHONY: proof
proof: ## prove the ownership core with Frama-C (docs/proof.md)
	@tools/setup test
	@tools/proof

.PHONY: mutants
mutants: ## put bugs into copies of the core and of the handlers: model, proof or a test must find each
	@tools/setup test
	/usr/bin/python3 -m pytest -q -n 2 -m "not boots and not nightly" tests/model tests/mutants
