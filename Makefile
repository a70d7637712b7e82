# Needs Go, git and make. Tools are pinned in tools/dev/go.mod, the Temporal CLI
# in tools/go.mod; both are built from source into the user's caches.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

GO       ?= go
TOOL     := $(GO) tool -modfile=$(CURDIR)/tools/dev/go.mod
MODULES  := . tools tools/dev tools/deploy tools/promql tools/cluster
# Those with code of their own; the root's is everywhere.
SIDES    := tools/dev tools/deploy tools/promql
TOOLS    := golangci-lint workflowcheck oapi-codegen
GENERATED := '*.gen.go' 'examples/*.json' 'internal/devstack/pinned/*'

FUZZTIME ?= 60s
BENCHTIME ?= 1s
# More for go test, e.g. TESTFLAGS=-count=1.
TESTFLAGS ?=
# More for `ferry demo`, e.g. DEMOFLAGS=--keep.
DEMOFLAGS ?=

# Go switches cgo off where there is no C compiler, and the race detector needs
# it. Raced or not, a package of tests gets this long.
RACE      := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)
TESTLIMIT := 50m

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

## --- Work

.PHONY: build
build: ## Build bin/ferry, bin/ferry-worker, bin/ferry-dashboard and bin/ferry-sandbox
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/ferry ./starter
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/ferry-worker ./worker
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/ferry-dashboard ./dashboard
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/ferry-sandbox ./sandbox

.PHONY: demo
demo: build ## Run a migration with everything around it on this machine
	bin/ferry demo $(DEMOFLAGS)

.PHONY: fmt
fmt: ## Format the code and put the imports in order
	$(TOOL) golangci-lint fmt

.PHONY: fix
fix: ## Let the linters mend what they can mend by themselves
	$(TOOL) golangci-lint run --fix ./...

.PHONY: generate
generate: ## Generate code and examples anew
	$(GO) generate ./...

.PHONY: record
record: temporal-cli ## Record the newest folder of workflow histories that replay tests use anew (v1 is frozen)
	$(GO) test ./internal/integration -run '^TestRecordHistories$$' -record -count=1 -timeout $(TESTLIMIT) -v

## --- Tests

# Temporal's test environment races with itself where a parent ends while its
# children begin; workflow code runs one coroutine at a time, raced or not.
.PHONY: test
test: bin/totals temporal-cli ## Run all tests, raced, and close with their totals
	@$(if $(RACE),,echo 'There is no C compiler here: the race detector is left out.')
	@bin/totals $(GO) test -json $(RACE) -timeout $(TESTLIMIT) $(TESTFLAGS) \
			$$($(GO) list -e ./... | grep -v /workflows$$) -- \
		$(GO) test -json -timeout $(TESTLIMIT) $(TESTFLAGS) ./workflows \
		$(foreach side,$(SIDES),-- $(GO) -C $(side) test -json $(RACE) -timeout $(TESTLIMIT) $(TESTFLAGS) ./...)

# Takes PostgreSQL from the system (Debian: postgresql) and builds a Temporal
# server from tools/go.mod, once; it is kept beside the CLI.
.PHONY: test-postgres
test-postgres: temporal-cli ## Migrate on the stack of docker-compose.yml, run as processes with PostgreSQL
	$(GO) -C tools/deploy test -run '^TestPostgres' -postgres -count=1 -timeout $(TESTLIMIT) -v $(TESTFLAGS) .

# Builds etcd, kube-apiserver and kubectl from tools/cluster/go.mod, once.
.PHONY: test-k8s
test-k8s: ## Apply deploy/k8s to a real Kubernetes API server
	$(GO) -C tools/deploy test -run '^TestCluster' -cluster -count=1 -timeout $(TESTLIMIT) -v $(TESTFLAGS) .

# Kills the worker at every step's boundary for BOUNDARY records each, then runs
# the seeds. What was done is kept in the user's cache, and a run that was
# stopped goes on, unless FRESH=1.
SEEDS    ?= 50
SEED     ?= 1
RECORDS  ?= 200
BOUNDARY ?= 20
FRESH    ?=

.PHONY: test-faults
test-faults: temporal-cli ## Run SEEDS (50) migrations of RECORDS (200) under faults, from seed SEED (1) on
	@CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -o bin/ferry-faults ./internal/chaos/chaosrun
	@bin/ferry-faults -seeds $(SEEDS) -seed $(SEED) -records $(RECORDS) -boundary $(BOUNDARY) $(if $(FRESH),-fresh) \
		-commit "$$(git describe --always --dirty 2>/dev/null || true)"

STORMS ?= 10000
.PHONY: test-storms
test-storms: ## Raise STORMS (10000) signal storms over migrations in simulated time, from seed STORMSEED (1) on
	$(GO) test ./workflows -run 'TestStormsChangeNothing$$' -timeout 60m -v -args -storms $(STORMS) -storm-seed $(or $(STORMSEED),1) | grep -v '^=== \|--- PASS'

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZTIME (60s)
	@grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sort | while IFS=: read -r file func; do \
		echo "== $${func#func } in $$(dirname "$$file")"; \
		$(GO) test "$$(dirname "$$file")" -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) \
			-fuzzminimizetime 20x </dev/null; \
	done

# MUTANTS names packages to change, separated by commas; MUTANTLIMIT ends it.
MUTANTS     ?=
MUTANTLIMIT ?= 2h

.PHONY: mutants
mutants: ## Change crucial code one line at a time; a change that no test notices and nobody explains fails
	@$(GO) -C tools/dev build -o $(CURDIR)/bin/mutants ./mutants
	@bin/mutants -root . -only '$(MUTANTS)' -limit $(MUTANTLIMIT)

.PHONY: bench
bench: ## Measure the import (speed, ratios, peak memory); run all benchmarks, BENCHTIME (1s) each
	$(GO) run ./bench
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) \
		$$(grep -rlE --include='*_test.go' '^func Benchmark' . | xargs dirname | sort -u)

## --- Checks

.PHONY: check
check: static test ## All that CI checks

.PHONY: static
static: fmt-check lint workflowcheck vet tidy-check generate-check ## All checks that run no tests

.PHONY: fmt-check
fmt-check: ## Format
	$(TOOL) golangci-lint fmt --diff

.PHONY: lint
lint: ## Linters, the fence between packages among them (.golangci.yml)
	$(TOOL) golangci-lint run ./...
	@for side in $(SIDES); do (cd $$side && $(TOOL) golangci-lint run -c $(CURDIR)/.golangci.yml ./...); done

# What it finds begins with a path; the rest of its output is how it got there.
.PHONY: workflowcheck
workflowcheck: ## Workflows do the same on every replay
	@out=$$($(TOOL) workflowcheck -config .workflowcheck.yaml ./workflows/... 2>&1) && code=0 || code=$$?; \
	grep '^/' <<<"$$out" && exit 1; \
	if [ $$code != 0 ]; then echo "$$out"; exit $$code; fi; \
	echo 'workflowcheck: nothing found'

.PHONY: vet
vet: ## go vet
	$(GO) vet ./...
	@for side in $(SIDES); do $(GO) -C $$side vet ./...; done

.PHONY: tidy-check
tidy-check: ## go.mod and go.sum of all modules are tidy
	@for dir in $(MODULES); do echo "go mod tidy -diff in $$dir"; $(GO) -C $$dir mod tidy -diff; done

.PHONY: generate-check
generate-check: ## Generated files are what their sources make
	@files=$$(git ls-files -- $(GENERATED)); before=$$(git hash-object $$files); \
	$(GO) generate ./...; \
	if [ "$$(git hash-object $$files)" != "$$before" ]; then \
		echo 'Generated files were out of date. They are new now: see git diff.' >&2; exit 1; \
	fi; \
	echo 'Generated files are up to date.'

## --- Set-up

.PHONY: tools
tools: bin/totals temporal-cli ## Build the pinned tools into the caches
	@for tool in $(TOOLS); do echo "building $$tool"; $(TOOL) -n $$tool >/dev/null; done

# The integration tests find the CLI, or build and keep it, before their first test.
.PHONY: temporal-cli
temporal-cli: ## Have a Temporal CLI, built once from source if there is none
	@echo 'Looking for a Temporal CLI, and trying it.'
	@cd internal/integration && $(GO) test $(RACE) -run '^$$' -count=1 -timeout 30m

.PHONY: bin/totals
bin/totals:
	@$(GO) -C tools/dev build -o $(CURDIR)/bin/totals ./totals

.PHONY: clean
clean: ## Remove what was built here; caches stay
	git clean -qfdX -- bin coverage.out '*.test' '*.prof'
