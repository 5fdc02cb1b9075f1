// Package checkers runs checks of this host and of endpoints, keeps what they found, and turns failures into alerts.
package checkers

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// Status is what a check says.
type Status string

// The statuses, and what they mean.
const (
	OK       Status = "ok"
	Warning  Status = "warning"
	Critical Status = "critical"
	Unknown  Status = "unknown" // it could not be found out
)

// Checker is one kind of check. It holds no state and is safe for concurrent use.
type Checker interface {
	// Spec says what it is, with its defaults. It is the same at each call.
	Spec() Spec
	// Check looks, within ctx. An error (also ctx's) becomes the status unknown. Config is decoded strictly by the checker, over its
	// defaults; what it does not know is an error that names it.
	Check(ctx context.Context, in Input) (Finding, error)
}

// Spec describes a kind of check.
type Spec struct {
	Name     string          // lower case, never changed
	Doc      string          // one sentence
	Unit     string          // of the thresholds: "%", "MB", "°C", "days", "ms"; "" where it has none
	Warning  *float64        // nil: the status has no threshold of its own
	Critical *float64        // nil: as Warning
	Inverted bool            // the less the worse
	Timeout  time.Duration   // 0: 10 s
	Platform []string        // GOOS; empty: everywhere. Elsewhere it is ok with a "skipped" message
	Endpoint bool            // it looks at a target of its config, not at this host: it is given no Sample
	Pair     bool            // it needs rates: it is given Before too, a second before Sample
	Busy     bool            // it keeps processor or disks busy: it begins when those that measure rates are through
	Metric   string          // the metric that the thresholds are about, for charts; "" where there is none
	Config   any             // the struct of its settings, filled with their defaults
	Schema   json.RawMessage // JSON Schema of its settings; filled by a Set
}

// Input is what one check is given.
type Input struct {
	Probe    host.Probe      // this host, or a recorded one
	Sample   *host.Sample    // the newest shared sample; never nil for host checks
	Before   *host.Sample    // an earlier one, for those whose Spec says Pair
	Config   json.RawMessage // an object, or empty; see Decode
	Warning  float64         // the thresholds in force, NaN where there is none; see Judge
	Critical float64
	Timeout  time.Duration // that the check has in all; ctx ends a moment after it, so that what was found by then can be told
	Shared   bool          // other checks use the samples too, and nobody wants to wait: two samples are enough
	Command  bool          // the process that looks is a command, not the hub
	Guarded  bool          // targets were not given by the operator of this process: addresses are checked before a connection
	Guard    Guard         // asked about addresses when Guarded
}

// Guard refuses addresses that the hub does not connect to for others; *httpclient.Client fits.
type Guard interface {
	// CheckAddress looks at an address that host, as it was named, has resolved to. Its error says what would allow it.
	CheckAddress(host string, address netip.AddrPort) error
}

// Finding is what a check found.
type Finding struct {
	Status  Status
	Message string         // one line, with the number and the culprit
	Metrics map[string]any // scalars, lists and maps that JSON knows
}
