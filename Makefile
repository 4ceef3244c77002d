# One set of build flags everywhere: others would build everything twice. Without paths another clone finds in the cache
# what this one has built.
export GOFLAGS := $(filter-out -trimpath,$(GOFLAGS)) -trimpath
GO      ?= go
RUN     ?= .
FUZZ    ?= 30s
MINUTES ?= 10
SEED    ?= 0
# Tests wait more than they work, so more of them run than there are cores; without symbols they link faster;
# make lint vets.
TEST    := SHOPD_TEST_ALL=1 $(GO) test -shuffle=on -timeout 15m -p $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) -ldflags=-s -vet=off
LINT    := tool -modfile=$(CURDIR)/tools/lint.mod

# The tools are modules of their own, so that the product's go.mod has what the product
# and its tests need.
TOOLS   := $(patsubst %/go.mod,%,$(wildcard tools/*/go.mod))
MODULES := . $(TOOLS)

.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Ctrl-C reaches make, shell and shop at once: the shop ends by itself, and nobody complains.
demo: ## the whole shop with a fake Klarna on http://localhost:8080, nothing to install; DATA=DIR keeps it over a restart, PORT=8090 takes that port and the two after it
	@trap 'exit 0' INT TERM; \
	echo "building shopd: a minute or two the first time, while Go loads and compiles what it needs; then seconds"; \
	$(GO) build -o bin/shopd ./cmd/shopd || exit; \
	echo "starting the shop; Ctrl-C ends it"; \
	bin/shopd demo $(if $(DATA),-data $(DATA)) $(if $(PORT),-addr 127.0.0.1:$(PORT) -ops-addr 127.0.0.1:$$(($(PORT) + 1)) -klarna-addr 127.0.0.1:$$(($(PORT) + 2)))

build: ## bin/shopd
	$(GO) build -o bin/shopd ./cmd/shopd

# Packages whose tests take longest come first, else all would wait for the last of them.
LONGEST := web/static internal/backoffice internal/aftersale internal/api internal/order fakeklarna/internal/frontend internal/storefront cmd/shopd
test: test-packages test-modules ## every test; installs what they need when it is missing: redis-server, PostgreSQL, Chromium; PHP, node and Python for the quick start of docs/api.md

# The tests of the whole come alone: they measure how long a shopper waits.
test-packages: test-tools
	$(TEST) -run '$(RUN)' $(LONGEST:%=./%) $$($(GO) list ./... | grep -v '/test/e2e$$')
	$(TEST) -run '$(RUN)' ./test/e2e

# They build shopd and read its modules, which a cached result does not know of.
test-modules: test-tools
	set -e; for m in $(TOOLS); do (cd $$m && $(TEST) -count=1 -run '$(RUN)' ./...); done

test-cluster: test-tools ## the tests on a Cluster, on Sentinel and with shops that go, with their figures
	SHOPD_TEST_ALL=1 $(GO) test -count=1 -v -run 'TestTopology|TestSlotMoves|TestDiskFull' ./test/e2e ./internal/redisconn ./internal/order

test-upgrade: test-tools ## the last release, or the commit in test/upgrade/base, beside this version under load, there and back; needs the history
	SHOPD_TEST_ALL=1 $(GO) test -count=1 -v -timeout 15m -run '^TestUpgrade$$' ./test/e2e -upgrade

test-tools:
	@missing=; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v chromium-headless-shell >/dev/null || missing="$$missing chromium-headless-shell"; \
	command -v php >/dev/null || missing="$$missing php-cli"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v python3 >/dev/null || missing="$$missing python3"; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

# Where SHOPD_AXE names axe-core, the tests that look at pages look at their accessibility too.
AXE := $(CURDIR)/tools/a11y/node_modules/axe-core/axe.min.js
NODE := tools/firefox/node_modules examples/node/node_modules
check a11y: export SHOPD_AXE := $(AXE)
check: $(AXE) test-packages $(NODE) firefox-tools ## make test with accessibility, the example shops, Firefox, the static checks and the race detector where goroutines meet
	@# Browsers and servers wait while linters and linkers compute.
	$(MAKE) -j2 --output-sync=target race-short test-modules firefox lint generated

# Not here: packages and tests in which one goroutine works at a time: seeds of fuzz targets, processes that are
# killed, forms, pages and faults one by one, hashes of passwords.
SERIAL := ^Fuzz|StateMachine|BruteForce|FlashSale|Killed|Bad(Forms|Updates|Cookies|Queries)|WrongMethod|NotFound|Markets|TestOrderPage
SERIAL := $(SERIAL)|LongPassword|HeadersOfEveryRoute|FirstMarket|CrossSite|Reasons|TestForms|ReturnTo|ConfirmationFor|ConfirmationOf
SERIAL := $(SERIAL)|PlaceFaults|KlarnaFaults/(create|read|update,_page)|ManyOrders|ListWhile|TestEmbedded
race: test-tools ## the tests without a browser under the race detector: some 8 minutes
	$(TEST) -race -skip '$(SERIAL)' $$($(GO) list ./internal/... ./cmd/... | grep -vE 'shopd/internal$$|/internal/(backoffice|browsertest|cart|db/dbtest|i18n|market|money|ordermanagement|redistest|respond)$$')
	$(TEST) -race -run 'TwoStaff|SentTwice|Bulk|Throttle|SyncNow|RedisGone' -skip 'Browser' ./internal/backoffice
	$(TEST) -race -run 'Concurren|AtOnce|OneEnd|FaultEffects|ClientGoesAway|Record|Shopper|Idempoten|Push|Snapshot|Chaos|Live' -skip 'RecordIsBounded|RefusedSnapshots' ./fakeklarna/...
	$(TEST) -race -run 'Crowd|Stop|Restarted|LeftBehind' ./test/e2e

# What make check has of it: the tests whose names say that something happens at once. Packages that have none
# need not be compiled and linked for it.
MEETING := AtOnce|Concurren|Crowd|Once|While|TwoStaff|SentTwice|Throttle|Restarted|Stop|Parallel|LeftBehind
race-short: test-tools
	$(TEST) -race -run '$(MEETING)' -skip 'Browser|FlashSale|ListWhile|ThrottleByAddress' $$(grep -rlE --include='*_test.go' '^func Test[A-Za-z]*($(MEETING))' cmd fakeklarna internal test | xargs -n1 dirname | sort -u | grep -v '/frontend$$' | sed 's,^,./,')

a11y: $(AXE) test-tools ## accessibility of every page in every look, by axe-core from npm
	SHOPD_LOOKS=all $(TEST) -run 'Looks?$$|PagesFollow|CheckoutPageInBrowser' ./test/e2e ./internal/backoffice ./fakeklarna/...

# The tests of the example shops and of Firefox run where SHOPD_BROWSERS says so.
firefox: export SHOPD_BROWSERS := all
firefox: $(NODE) firefox-tools test-tools ## the example shops in Chromium and Firefox, and the other checkouts in Firefox
	$(TEST) -run '^(TestExampleShops|TestFirefox)$$' ./internal/api
	$(TEST) ./examples

firefox-tools:
	@missing=; \
	command -v php >/dev/null || missing="$$missing php-cli"; \
	command -v firefox-esr >/dev/null || missing="$$missing firefox-esr"; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

$(NODE): %/node_modules: %/package.json
	@command -v npm >/dev/null || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends npm; }
	npm install --silent --no-audit --no-fund --no-package-lock --prefix $*
	touch $@

# The demo runs as long as the shop does. Its shop file is Skerry's with an endpoint at the shop's address, for webhooks;
# the secret of these is made once.
SHOP      ?= php
SHOP_PORT := $(if $(filter node,$(SHOP)),8002,8001)
EXAMPLE   := bin/example
examples: build ## a shop in PHP beside the demo on http://localhost:8001; SHOP=node: one with Express on http://localhost:8002
	@mkdir -p $(EXAMPLE) && cp $(filter-out %.go,$(wildcard examples/skerry/*)) $(EXAMPLE)
	@test -e $(EXAMPLE)/secret || echo "whsec_$$(head -c 32 /dev/urandom | base64)" >$(EXAMPLE)/secret
	@printf '\nwebhooks:\n  - {id: %s, url: "http://localhost:%s/webhook", secret_file: $(EXAMPLE)/secret}\n' $(SHOP) $(SHOP_PORT) >>$(EXAMPLE)/shop.yaml
	bin/shopd demo -shop $(EXAMPLE)/shop.yaml -catalog $(EXAMPLE)/catalog.json & demo=$$!; trap 'kill $$demo' EXIT; \
	  SHOPD_WEBHOOK_SECRET=$$(cat $(EXAMPLE)/secret) $(START_$(SHOP))
START_php  := php -S localhost:8001 examples/php/index.php
START_node := node examples/node/server.js
ifeq ($(SHOP),node)
examples: examples/node/node_modules
else
examples: php-cli
endif

php-cli:
	@command -v php >/dev/null || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends php-cli; }

$(AXE): tools/a11y/package.json
	@command -v npm >/dev/null || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends npm; }
	npm install --silent --no-audit --no-fund --no-package-lock --prefix tools/a11y
	touch $@

# Paths on the command lines below are those of the root, so it runs there.
bin/bench:
	$(GO) -C tools/bench build -o $(CURDIR)/$@ .

bench: build bin/bench test-tools ## shopd against a bare proxy, as ratios; all figures in bin/bench.json
	bin/bench -shopd bin/shopd -out bin/bench.json $(BENCH)

bench-compare: build bin/bench test-tools ## make bench, and how that differs from OLD=old.json; NEW=new.json runs nothing
	@test -n "$(OLD)" || { echo "OLD=FILE is missing: the JSON of an earlier make bench"; exit 2; }
	bin/bench -shopd bin/shopd $(if $(NEW),-with $(NEW),-out bin/bench-new.json) -compare $(OLD) $(BENCH)

bench-growth: build bin/bench test-tools ## time and memory with up to 1,000,000 sessions and orders and 4,000 clients; all figures in bin/growth.json
	bin/bench growth -shopd bin/shopd -out bin/growth.json $(GROWTH)

bench-capacity: build bin/bench test-tools ## purchases a second that this machine carries: SQLite, PostgreSQL, three processes, a slow Klarna; figures in bin/capacity.json
	bin/bench capacity -shopd bin/shopd -out bin/capacity.json $(CAPACITY)

bench-orders: test-tools ## time and bytes of an order book of 1,000,000 in PostgreSQL and 100,000 in SQLite
	SHOPD_TEST_ALL=1 $(GO) test -count=1 -v -timeout 60m -run '^TestManyOrders$$' ./internal/order -orders.postgres=1000000 -orders.sqlite=100000

bench-goods: test-tools ## time and memory of the largest catalogue: reading it, its lists and searches
	SHOPD_TEST_ALL=1 $(GO) test -run '^$$' -bench '^Benchmark(Read|Lists)$$' ./internal/storefront

# PART of PARTS, so that several machines can share them: make fuzz PARTS=3 PART=0.
PARTS ?= 1
PART  ?= 0
fuzz: test-tools ## every fuzz target for FUZZ=30s, and a million carts of any shop
	SHOPD_TEST_ALL=1 $(GO) -C internal/cart test -run '^TestAnyShop$$' -carts 1000000 .
	@set -e; n=0; for package in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for target in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$package/*_test.go | cut -d' ' -f2); do \
	    n=$$((n + 1)); if [ $$((n % $(PARTS))) != $(PART) ]; then continue; fi; \
	    echo "$$package $$target"; SHOPD_TEST_ALL=1 $(GO) -C $$package test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) .; \
	  done; done

soak: test-tools ## random shoppers for MINUTES=10 while Klarna fails now and then; SEED repeats what they do; ADVERSARY=true: attacked in the second half
	SHOPD_TEST_ALL=1 $(GO) test -count=1 -v -timeout $$((2 * $(MINUTES) + 15))m -run '^TestSoak$$' ./test/e2e -soak.time=$(MINUTES)m -soak.seed=$(SEED) -soak.adversary=$(or $(ADVERSARY),false)

soak-sessions: test-tools ## 1,000 checkout sessions changed by API and page at once while Klarna fails and processes are killed; SEED repeats it
	SHOPD_TEST_ALL=1 $(GO) test -count=1 -v -timeout 60m -run '^TestSessions$$' ./test/e2e -sessions.n=$(or $(SESSIONS),1000) -sessions.seed=$(SEED)
	SHOPD_TEST_ALL=1 $(GO) test -count=1 -v -timeout $$((2 * $(MINUTES) + 15))m -run '^TestEmbeddedChaos$$' ./test/e2e -embedded.time=$(MINUTES)m -sessions.seed=$(SEED)

clients: test-tools ## the documents of the API and the clients made of them, written anew; needs npm
	SHOPD_TEST_ALL=1 $(GO) -C tools/clients test -count=1 -run '^TestCurrent$$' . -update
	npm install --silent --no-audit --no-fund --no-package-lock --prefix tools/clients
	cd tools/clients && npx openapi-typescript testdata/openapi.json -o schema.d.ts && npx tsc --noEmit --allowJs --checkJs --skipLibCheck --module nodenext --target es2022 --lib es2022,dom sale.mjs

model: ## the sync as a model, checked by spin, which it installs when it is missing; SECONDS_EACH and MEMORY bound each run
	@missing=; command -v spin >/dev/null || missing="$$missing spin"; command -v gcc >/dev/null || missing="$$missing gcc libc6-dev"; \
	if [ -n "$$missing" ]; then apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; fi
	docs/model/run.sh

alerts: ## the alert rules, checked and tested by promtool, which it installs when it is missing
	@command -v promtool >/dev/null || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends prometheus; }
	promtool check config deploy/prometheus/prometheus.yml
	cd deploy/prometheus && promtool test rules alerts_test.yml

cover: test-tools ## test coverage, as cover.out and by package
	SHOPD_TEST_ALL=1 $(GO) test -coverpkg=./... -coverprofile=cover.out ./...
	$(GO) tool cover -func=cover.out | tail -n 1

generate: ## Go code from the templates
	$(GO) tool templ generate

generated:
	$(GO) tool templ generate -check

fmt: ## format Go and templates
	$(GO) tool templ fmt web/templates
	gofmt -l -w .

# What the fake offers to Go tests, in this repository and elsewhere, and what only encoding/json calls.
FORTESTS := ^fakeklarna/.*: (Agree|agreeing\.RoundTrip|NewServer|FaultBody\.UnmarshalJSON|Lines\.MarshalJSON)$$

# golangci-lint runs vet and staticcheck too.
lint: ## static checks of every module: gofmt, go.mod, golangci-lint, deadcode
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run make fmt"; exit 1; }
	@set -ex; for m in $(MODULES); do \
	  $(GO) -C $$m mod tidy -diff; \
	  $(GO) -C $$m $(LINT) golangci-lint run --allow-parallel-runners; \
	done
	@dead=$$($(GO) $(LINT) deadcode ./cmd/...) || exit 1; \
	dead=$$(echo "$$dead" | grep -vE '$(FORTESTS)'); \
	test -z "$$dead" || { echo "$$dead"; exit 1; }

vulnerabilities: ## known vulnerabilities in what each module calls, by govulncheck
	set -e; for m in $(MODULES); do $(GO) -C $$m run golang.org/x/vuln/cmd/govulncheck@v1.8.0 ./...; done

licences: ## docs/licences.md and THIRD_PARTY_LICENCES, from what the modules say
	$(GO) -C tools/licences run .

# Which shopd it is: the repository is not in the context of the build.
STAMP = --build-arg VERSION="$$(git describe --tags --always --dirty 2>/dev/null)" --build-arg COMMIT="$$(git rev-parse HEAD 2>/dev/null)"
docker: ## the container image shopd
	docker build -t shopd $(STAMP) .

.PHONY: help demo examples php-cli build test test-packages test-modules test-cluster test-upgrade test-tools check race race-short a11y firefox firefox-tools fuzz cover generate generated fmt lint docker soak soak-sessions model clients bench bench-compare bench-growth bench-capacity bench-orders bench-goods bin/bench licences alerts vulnerabilities
