# Runs Sluice on this machine. All state is below .local/; the scripts are in deploy/local/.

.DEFAULT_GOAL := help
.PHONY: help up down clean test chaos bench postman fmt lint

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

up: ## install missing packages, build, start everything, make a payment
	@deploy/local/up.sh

down: ## stop everything, keep the data
	@deploy/local/down.sh

clean: ## stop everything and remove the data (.local/); keeps the build
	@deploy/local/clean.sh

test: ## run all tests with private stores (ARGS="..." for the test runner)
	@deploy/local/test.sh $(ARGS)

chaos: ## run the faults that last, for an hour (SLUICE_FAULT_SCALE=1 to 60), with private stores
	@deploy/local/chaos.sh

bench: ## run the benchmarks with private stores (ARGS="...")
	@deploy/local/bench.sh $(ARGS)

postman: ## write a Postman collection from the running gateway to .local/postman.json
	@mkdir -p .local
	@. .local/sandbox.env && curl --fail --silent --show-error --output .local/postman.json "$$SLUICE_URL/postman.json"
	@echo "wrote .local/postman.json"

fmt: ## format the code
	@cargo fmt --all

lint: ## check the format, clippy and shellcheck
	@deploy/local/lint.sh
