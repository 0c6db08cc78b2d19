# The commands of this project. "make" alone builds bin/waybill.

GO      ?= go
BIN     := bin/waybill
EXAMPLE := examples/harbour
OUT     := out
FUZZTIME ?= 10s
export CGO_ENABLED ?= 1

.PHONY: build demo examples test deps vet fmt fuzz lint bench bench-short bench-imap bench-pst soak proof clean

build:
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/waybill

# The mail of a small company, written afresh whenever its texts or its
# generator change: git keeps neither file times nor empty folders.
examples: $(EXAMPLE)/.generated

$(EXAMPLE)/.generated: $(wildcard examples/generate/*.go examples/office/*.go examples/office/text/*)
	$(GO) run ./examples/generate -out $(EXAMPLE)

# Exit code 1 means: finished, and the waybill lists exceptions. The example
# holds a few broken messages on purpose, so 1 is what a correct run ends with.
demo: build examples
	@mkdir -p $(OUT)
	@$(BIN) migrate --from tree:$(EXAMPLE) --to site:$(OUT)/harbour.site \
		--ledger $(OUT)/harbour.ledger --report $(OUT)/waybill --yes; \
	code=$$?; if [ $$code -gt 1 ]; then exit $$code; fi
	@echo
	@echo "The waybill is in $(OUT)/waybill/report.html; what it should say is in examples/README.md."
	@echo "Next: $(BIN) verify --ledger $(OUT)/harbour.ledger"

deps:
	@scripts/test-deps

vet:
	$(GO) vet ./...

fmt:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$bad" ]; then echo "gofmt -w these files:"; echo "$$bad"; exit 1; fi

# SQLite is C that was made into Go: the race detector finds nothing of ours in
# it, and takes several times as long with it.
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false

# The packages that take longest come first, so that none of them is the last.
test: deps fmt vet
	$(GO) test $(RACE) -shuffle=on -p 3 -timeout=20m ./test ./connector/migfile ./connector/imap/target ./internal/cli ./engine ./...

fuzz:
	@FUZZTIME=$(FUZZTIME) scripts/fuzz

lint:
	$(GO) tool -modfile=tools.mod golangci-lint run ./...

bench: build
	@$(GO) run ./bench/measure -waybill $(BIN)

# The same in about a minute.
bench-short: build
	@BENCH_MESSAGES=4000 BENCH_MAILBOXES=8 BENCH_SMALL=20000 BENCH_SMALL_MAILBOXES=5 BENCH_BIG_MB=128 BENCH_ROUNDS=1 \
		$(GO) run ./bench/measure -waybill $(BIN)

# Moves the same mailboxes between two Dovecots with everything that is installed,
# beside a bare loop of FETCH and MULTIAPPEND.
bench-imap: build
	@$(GO) run ./bench/imap -waybill $(BIN)

# Takes the mail out of a generated PST of 2 GB with everything that is installed,
# and out of real ones: make bench-pst PST=archive.pst,other.pst
bench-pst: build
	@$(GO) run ./bench/pst -waybill $(BIN) -pst "$(PST)"

# Kill a migration at random moments, again and again, and check that nothing
# is lost and nothing is there twice.
soak: build
	@scripts/soak

# Move mail between real servers, kill each migration 100 times, lose 20 answers
# to deliveries and let 20 arrive late; then compare the servers with a program
# that shares no code with this one. What failed tells its seed.
proof: deps
	@scripts/proof

clean:
	rm -rf bin $(OUT) $(EXAMPLE)
