# Sluice on this machine. Everything it starts and writes is below .local/; see deploy/local/.

.DEFAULT_GOAL := help
.PHONY: help up down clean test bench postman fmt lint

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

up: ## install what is missing, build, start everything, show a payment
	@deploy/local/up.sh

down: ## stop everything, keep the data
	@deploy/local/down.sh

clean: ## stop everything and remove the data (.local/); what cargo built stays
	@deploy/local/clean.sh

test: ## all tests, over private stores (ARGS="...": to the test runner)
	@deploy/local/test.sh $(ARGS)

bench: ## the measurements, over private stores (ARGS="...")
	@deploy/local/bench.sh $(ARGS)

postman: ## write the requests of all surfaces to .local/postman.json
	@mkdir -p .local
	@SQLX_OFFLINE=true cargo run --locked --quiet --package api --bin reference postman >.local/postman.json
	@echo "written: .local/postman.json"

fmt: ## format the code
	@cargo fmt --all

lint: ## check format, clippy and the scripts
	@deploy/local/lint.sh
