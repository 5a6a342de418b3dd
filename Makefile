# Everything a person or a machine does with this tree. `make help` lists it.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X main.version=$(VERSION)
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0
GORELEASER = github.com/goreleaser/goreleaser/v2@v2.15.1
BENCHTIME ?= 1x

# What is compiled with other flags is compiled again: every target uses those of a release, and so does what its scripts and tests start.
export GOFLAGS := $(strip $(filter-out -trimpath,$(shell go env GOFLAGS)) -trimpath)
# A compiler and a test live for seconds: they collect their garbage less often, and take more memory for it.
build test peers test-peers cross: export GOGC ?= 400

.DEFAULT_GOAL := help
.PHONY: help build run test lint peers test-peers cross release bench fuzz generate clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/exhibit and the connectors beside it
	@mkdir -p bin
	go build -ldflags "$(LDFLAGS)" -o bin/ ./cmd/...
	@./bin/exhibit connectors lock --quiet

run: build ## build, then run the sandbox organisation end to end (exhibit try)
	./bin/exhibit try

test: build ## run all tests; installs PostgreSQL first where it is missing
	@.ci/need-postgres
	@.ci/need-tools
	EXHIBIT_BIN=$(CURDIR)/bin go test -vet=off -timeout 25m ./... # make lint vets

lint: ## run the linters and check that generated code is what is committed
	@.ci/lint $(GOLANGCI)

peers: ## install servers that others wrote into .peers, for test-peers
	@.ci/peers install

test-peers: build ## the connectors and the main job against servers that others wrote; installs and starts them
	.ci/peers

cross: ## build for Linux, macOS and Windows, and keep nothing
	@.ci/cross

release: ## what a release would be, for every system, in dist/; its SBOM needs syft on the PATH
	go run $(GORELEASER) check
	go run $(GORELEASER) release --snapshot --clean

bench: ## measure against a bare baseline in the same run; prints ratios
	.ci/bench $(BENCHTIME)

fuzz: ## fuzz every parser and the ledger, 20 seconds each
	.ci/fuzz 20s

generate: ## regenerate code from .proto
	go generate ./plugins/wire/...

clean: ## remove what the other targets made
	rm -rf bin dist exhibit-try .peers
