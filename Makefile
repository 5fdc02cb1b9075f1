# `make help` lists the targets. Variables: PKG=./drivers/... narrows test, lint and fuzz; TEST='-run TestX -v' is added to go test.

GO         ?= go
PKG        ?= ./...
TEST       ?=
FUZZTIME   ?= 5s
FIXTURES   ?= $(or $(INCIDENTHUB_FIXTURES),$(abspath ../shared/fixtures))
TAGS       := nomsgpack
CACHE      := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/incidenthub/bin
LINT       := $(CACHE)/golangci-lint-v2.15.0
# Whatever needs no race detector is built like the product, without cgo and with -trimpath: its packages are compiled once then, not twice.
# -parallel 4 because most tests wait for a database. The time is for a package on a slow machine.
# The tag chaos puts failpoints in (internal/platform/failpoint), for crash tests alone: build does not have it.
TESTFLAGS  := -tags $(TAGS),chaos -parallel 4 -timeout 45m
CHAOSFLAGS := -trimpath -tags $(TAGS),chaos -count=1 -timeout 60m -v

.DEFAULT_GOAL := help
.PHONY: help run build test chaos lint fmt bench faults generate fuzz fixtures packages clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## the hub, from source
	$(GO) run -tags $(TAGS) ./cmd/incidenthub serve

build: ## bin/incidenthub, static
	CGO_ENABLED=0 $(GO) build -tags $(TAGS) -trimpath -ldflags "-s -w" -o bin/incidenthub ./cmd/incidenthub

test: packages bin/testenv ## all tests with -race, beside one Postgres and one Redis of their own
	@GO=$(GO) .ci/test "$(PKG)" $(TESTFLAGS) $(TEST)

chaos: packages ## crash tests in their long form, without -race: kills, full disks, lost databases
	HUB_CHAOS=1 CGO_ENABLED=0 $(GO) test $(CHAOSFLAGS) $(TEST) ./internal/server/crashtest

lint: $(LINT) ## golangci-lint
	CGO_ENABLED=0 GOFLAGS="$(GOFLAGS) -trimpath" $(LINT) run $(PKG)
	CGO_ENABLED=0 $(GO) vet -trimpath -tags $(TAGS),chaos ./internal/platform/failpoint # which is another with this tag

fmt: $(LINT) ## gofumpt and import order
	$(LINT) fmt

bench: packages ## the table of throughput and latency; BENCH='--engine sqlite' adds flags
	$(GO) run -tags $(TAGS) ./internal/bench $(BENCH)

faults: ## the local analyzer against live faults, as root more of them; FAULTS='--class cpu' adds flags
	$(GO) run -tags $(TAGS) ./internal/faults $(FAULTS)

generate: ## what go generate makes: the references in docs
	CGO_ENABLED=0 $(GO) generate ./...

fuzz: ## each fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME) $(PKG)

fixtures: packages bin/testenv ## the suites on the shared fixtures in FIXTURES
	@GO=$(GO) .ci/fixtures "$(FIXTURES)" "$(PKG)"

packages:
	@command -v $(GO) >/dev/null || { echo "go is missing: https://go.dev/dl/, the version is in go.mod" >&2; exit 1; }
	@.ci/packages

clean: ## remove what was built here
	rm -rf bin

# Always asked for: go build itself knows whether it is current.
.PHONY: bin/testenv
bin/testenv:
	@CGO_ENABLED=0 $(GO) build -tags $(TAGS) -trimpath -o $@ ./internal/platform/testkit/cmd/testenv

$(LINT):
	GOBIN=$(CACHE)/tmp $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(CACHE)/tmp/golangci-lint $@
