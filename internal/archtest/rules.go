package archtest

import "slices"

const (
	event    = "apps/event"
	platform = "internal/platform/..."
	anything = "..."
)

// contracts are what plugins implement.
var contracts = []string{"drivers", "providers", "apps/notify/channel", "apps/monitors/datasource"}

// domain are the apps that operators name, with the contracts that lie inside them.
var domain = []string{
	"apps/alerts", "apps/analysts", "apps/auth", "apps/changes", "apps/checkers", "apps/history", "apps/intelligence", "apps/ledger", "apps/monitors",
	"apps/monitors/datasource", "apps/notify", "apps/notify/channel", "apps/rehearsal", "apps/retention", "apps/silences", "apps/sources", "apps/workloads",
	"providers",
}

// testExtras are what every test may import: the plumbing, suites of contracts, and the schema.
var testExtras = []string{
	platform, "migrations", "drivers/drivertest", "providers/providertest", "apps/notify/channeltest",
	"apps/monitors/datasourcetest", "apps/checkers/checkertest",
}

// wholeHub lets tests of the doors meet the real hub.
const wholeHub = "internal/server/servertest"

// Default returns the rules of this repository.
func Default() Rules {
	return Rules{
		Top: []string{
			"cmd", "apps", "internal", "drivers", "providers", "pipelines", "templates", "migrations", "docs", "deploy",
			"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "Makefile", "Dockerfile", "docker-compose.yml", ".env.example",
			"go.mod", "go.sum", ".git", ".github", ".ci", ".gitignore", ".gitattributes", ".dockerignore", ".editorconfig",
			".golangci.yml",
		},
		Apps: []string{
			"event", "alerts", "analysts", "changes", "checkers", "history", "monitors", "workloads", "intelligence", "notify", "auth", "ledger",
			"orchestration", "rehearsal", "retention", "silences", "sources", "api", "cli", "web",
		},
		Internal: []string{"server", "worker", "platform", "archtest", "bench", "faults"},
		BadNames: []string{
			"util", "utils", "common", "model", "models", "helper", "helpers", "misc", "shared", "base", "types",
			"interfaces", "lib",
		},
		Blank: []string{
			"embed", "time/tzdata",
			"github.com/jackc/pgx/v5/stdlib", // database/sql finds its drivers no other way
		},
		FileLines: 400,
		Imports:   importTable(),
		Harmless: []Harmless{
			{
				In: []string{"providers/..."}, Asks: []string{"Name", "Analyze", "Terms", "Pair", "Find"}, // the last two are of the view of a host
				Never: []string{
					"internal/platform/storage/...", "internal/platform/queue", "internal/platform/pubsub", "internal/platform/secretstore", "database/sql",
					"gorm.io/...", "os/exec",
				},
			},
			{
				In:     []string{"apps/intelligence/..."},
				Tables: []string{"analyses", "analysis_answers", "analysis_calls", "provider_usage"},
				// Note writes "there is an analysis" into an incident's history, and after is what follows its commit. Notice tells that a budget is spent, Changed wakes pages. The others are its own.
				Calls: []string{"Note", "Notice", "Changed", "note", "notice", "changed", "asked", "meanwhile", "after", "Marker"},
				Asks:  []string{"Names", "Make", "Load", "GatherFor", "Active", "Find", "Ready"},
				Never: []string{"apps/...", "internal/platform/queue", "internal/platform/secretstore", "database/sql", "os/exec"},
			},
		},
		Plugins: []Plugins{
			{
				In: "drivers", Except: []string{"registry", "drivertest", "shape"}, // shape: what bodies have in common
				Contract: "drivers", Interface: "Driver", Registry: "drivers/registry", Testdata: true,
			},
			{
				In: "providers", Except: []string{"registry", "providertest", "llm"}, // llm: what clients of language models have in common
				Contract: "providers", Interface: "Provider", Registry: "providers/registry",
			},
			{
				In: "apps/notify", Except: []string{"channel", "registry", "channeltest", "texts", "chat"}, // texts, chat: what channels with templates, and chats, have in common
				Contract: "apps/notify/channel", Interface: "Channel", Registry: "apps/notify/registry",
			},
			{
				In: "apps/monitors", Except: []string{"datasource", "registry", "datasourcetest"},
				Contract: "apps/monitors/datasource", Registry: "apps/monitors/registry",
			},
		},
	}
}

// importTable is read from the top: particular packages come before the folder they are in.
func importTable() []Row {
	with := func(more ...string) []string { return append([]string{event, platform}, more...) }
	return []Row{
		{
			From: []string{"cmd/..."}, May: []string{"apps/cli", "internal/server", "internal/platform/config"},
			InTests: []string{wholeHub},
			Because: "main only reads flags and calls internal/server; put the code into apps/cli or internal/server",
		},
		{From: []string{"internal/server/...", "internal/bench/...", "internal/faults/..."}, May: []string{anything}},
		{From: []string{"internal/archtest/..."}, Because: "it reads the tree as text"},
		{
			From: []string{"internal/worker/..."}, May: slices.Concat(with("apps/orchestration"), domain),
			InTests: []string{wholeHub}, Because: "a handler decodes ids and calls one app",
		},
		{
			From: []string{"internal/platform/storage/...", "internal/platform/testkit/dbtest"}, May: []string{platform, "migrations"},
			Because: "plumbing knows no app; let the caller pass what is needed",
		},
		{
			From: []string{"internal/platform/..."}, May: []string{platform},
			Because: "plumbing knows no app; let the caller pass what is needed",
		},
		{
			From: []string{event}, May: []string{"internal/platform/id"}, StdOnly: true,
			Because: "everybody shares these words, so they depend on nothing",
		},
		{
			From: []string{"migrations/...", "pipelines/...", "templates/..."}, StdOnly: true,
			InTests: []string{"apps/orchestration/...", "apps/notify", "apps/notify/texts"},
			Because: "it only embeds files; the code that uses them imports it, not the other way",
		},
		{
			From: []string{"apps/api/...", "apps/cli/...", "apps/web/..."},
			May:  slices.Concat(with("apps/orchestration", "drivers", "drivers/registry", "apps/intelligence/scorecard"), domain), InTests: []string{wholeHub},
			Because: "doors call services that internal/server hands them",
		},
		{
			From: []string{"apps/orchestration/nodes/..."}, May: slices.Concat(with("apps/orchestration/..."), domain),
			Because: "a node hands one app's result to another and has no other knowledge",
		},
		{
			From: []string{"apps/orchestration/..."}, May: with("pipelines", "apps/orchestration/..."),
			Because: "orchestration knows no other app: declare an interface, a node or internal/server fits it",
		},
		{
			From: []string{"drivers/registry"}, May: with("drivers", "drivers/*"),
			Because: "a registry lists the plugins of its kind",
		},
		{
			From: []string{"providers/registry"}, May: with("providers", "providers/*"),
			Because: "a registry lists the plugins of its kind",
		},
		{
			From: []string{"apps/notify/registry"}, May: with("apps/notify/*"),
			Because: "a registry lists the plugins of its kind",
		},
		{
			From: []string{"apps/monitors/registry"}, May: with("apps/monitors/*"),
			Because: "a registry lists the plugins of its kind",
		},
		{From: contracts, May: with(), Because: "a contract is what plugins and callers share and knows neither"},
		plugins("drivers/*", "drivers", "drivers/shape"),
		plugins("providers/*", "providers", "providers/llm"),
		{
			From: []string{"apps/notify/texts"}, May: with("apps/notify/channel", "templates"),
			Because: "it makes texts of notices for the drivers",
		},
		{
			From: []string{"apps/notify/chat"}, May: with("apps/notify/channel", "apps/notify/texts"),
			Because: "it renders and sends for the drivers of chat services",
		},
		plugins("apps/notify/*", "apps/notify/channel", "apps/notify/texts", "apps/notify/chat"),
		plugins("apps/monitors/*", "apps/monitors/datasource"),
		{
			From: []string{"apps/checkers/registry"}, May: with("apps/checkers", "apps/checkers/*"),
			Because: "a registry lists the plugins of its kind",
		},
		plugins("apps/checkers/*", "apps/checkers"),
		app("apps/alerts", with("drivers")),
		app("apps/intelligence", with("providers")),
		app("apps/analysts", with("providers")),
		app("apps/notify", with("templates")),
		app("apps/*", with()),
	}
}

// plugins is the row of one kind; shared are packages beside them that only they use.
func plugins(folder, contract string, shared ...string) Row {
	return Row{
		From: []string{folder, folder + "/..."}, May: append(shared, contract, event, platform),
		Because: "a plugin knows its contract only; what several need belongs into the contract or internal/platform",
	}
}

func app(folder string, may []string) Row {
	return Row{
		From: []string{folder, folder + "/..."}, May: append(may, folder+"/..."),
		Because: "apps never import each other: declare a small interface for what is needed, internal/server passes it",
	}
}
