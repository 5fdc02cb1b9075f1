//go:build unix

// Package target runs the hub that is measured, as a process of its own, beside its database.
package target

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	product = "github.com/incidenthub/incidenthub/cmd/incidenthub"
	itself  = "github.com/incidenthub/incidenthub/internal/bench"
)

// Binary is a hub that was built to be measured.
type Binary struct {
	Path       string
	Args       []string // of a server, before the hub's own
	WorkerArgs []string // of a worker
	Name       string   // what it is, for the report
	own        bool     // the bench itself, which can take profiles
}

// Build compiles the hub into folder with the product's flags: cmd/incidenthub, or with profiles, or where there is no such
// command, this bench.
func Build(ctx context.Context, folder string, profiles bool) (Binary, error) {
	b := Binary{Path: filepath.Join(folder, "incidenthub"), Args: []string{"serve"}, WorkerArgs: []string{"worker"}, Name: "cmd/incidenthub"}
	pkg := product
	if profiles || !exists(ctx, product) {
		pkg = itself
		b.Args, b.WorkerArgs, b.Name, b.own = []string{ServeCommand}, []string{WorkCommand}, "internal/server in the bench's own binary", true
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "nomsgpack", "-trimpath", "-ldflags", "-s -w", "-o", b.Path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return b, fmt.Errorf("build the hub: %w: %s", err, out)
	}
	return b, nil
}

func exists(ctx context.Context, pkg string) bool {
	return exec.CommandContext(ctx, "go", "list", pkg).Run() == nil
}
