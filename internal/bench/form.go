//go:build unix

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/bench/target"
)

// form is what a hub consists of: a column of the table.
type form struct {
	engine  string
	workers int // beside the server, when scaled
}

// String heads the column.
func (f form) String() string {
	if f.engine != target.Scaled {
		return f.engine
	}
	if f.workers == 1 {
		return "scaled, 1 worker"
	}
	return fmt.Sprintf("scaled, %d workers", f.workers)
}

// file is the form in names of files.
func (f form) file() string {
	if f.engine != target.Scaled {
		return f.engine
	}
	return fmt.Sprintf("%s-%d", f.engine, f.workers)
}

// maxWorkers keeps their connections within what Postgres is given.
const maxWorkers = 12

// forms are what --engine and --workers ask for.
func forms(engine, workers string) ([]form, error) {
	var counts []form
	for word := range strings.SplitSeq(workers, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 0 || n > maxWorkers {
			return nil, fmt.Errorf("--workers lists numbers from 0 to %d, such as 1,2,4, not %q", maxWorkers, workers)
		}
		if one := (form{target.Scaled, n}); !slices.Contains(counts, one) {
			counts = append(counts, one)
		}
	}
	switch engine {
	case "all":
		return append([]form{{engine: target.SQLite}, {engine: target.Postgres}}, counts...), nil
	case target.SQLite, target.Postgres:
		return []form{{engine: engine}}, nil
	case target.Scaled:
		return counts, nil
	default:
		return nil, fmt.Errorf("--engine is sqlite, postgres, scaled or all, not %q", engine)
	}
}
