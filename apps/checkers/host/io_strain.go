package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// IOStrain checks which share of the time block devices have work to do.
type IOStrain struct{}

var _ checkers.Checker = IOStrain{}

// IOStrainConfig are its settings.
type IOStrainConfig struct {
	SampleInterval checkers.Seconds `json:"sample_interval" jsonschema:"description=Seconds between the two looks; more than 0."`
}

// Validate implements checkers.Validator.
func (c *IOStrainConfig) Validate() error {
	if !(c.SampleInterval > 0 && c.SampleInterval <= 60) {
		return errors.New("sample_interval: want more than 0 and at most 60 seconds")
	}
	return nil
}

// Spec implements checkers.Checker.
func (IOStrain) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "io_strain", Doc: "Which share of the time block devices are busy.", Unit: "%", Warning: at(80), Critical: at(95), Pair: true, Metric: "busiest_util_percent",
		Config: IOStrainConfig{SampleInterval: 1},
	}
}

// Check implements checkers.Checker.
func (IOStrain) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, IOStrainConfig{SampleInterval: 1})
	if err != nil {
		return checkers.Finding{}, err
	}
	before, after, err := twoSamples(ctx, in, cfg.SampleInterval.Duration())
	if err != nil {
		return checkers.Finding{}, err
	}
	span := after.TakenAt.Sub(before.TakenAt)
	devices, busiest := map[string]any{}, strain{}
	for i := range after.Disks {
		s, ok := strainOf(before, &after.Disks[i], span)
		if !ok {
			continue
		}
		devices[s.device] = map[string]any{
			"util_percent": checkers.Round(s.util, 1), "read_mb_s": checkers.Round(s.read, 2), "write_mb_s": checkers.Round(s.write, 2),
		}
		if busiest.device == "" || s.util > busiest.util {
			busiest = s
		}
	}
	metrics := map[string]any{"devices": devices, "sample_seconds": checkers.Round(span.Seconds(), 2)}
	if busiest.device == "" {
		return checkers.Finding{Status: checkers.OK, Message: "no block device says how busy it is", Metrics: metrics}, nil
	}
	metrics["busiest_util_percent"], metrics["busiest_device"] = checkers.Round(busiest.util, 1), busiest.device
	message := fmt.Sprintf("%s busy for %.1f%% of %.1f s, reading %.1f and writing %.1f MB/s", busiest.device, busiest.util, span.Seconds(), busiest.read, busiest.write)
	status := in.Judge(busiest.util)
	if p, rate := heaviest(before, after, span); status != checkers.OK && p != nil {
		message += fmt.Sprintf("; most by %s, %.1f MB/s", named(p), rate)
		metrics["heaviest_process"], metrics["heaviest_pid"] = p.Name, p.PID
	}
	return checkers.Finding{Status: status, Message: message, Metrics: metrics}, nil
}

// twoSamples are the ones that all checks of a run share, where there are two that fit; else the check waits and takes the second itself.
func twoSamples(ctx context.Context, in checkers.Input, interval time.Duration) (before, after *host.Sample, err error) {
	if in.Before != nil {
		span := in.Sample.TakenAt.Sub(in.Before.TakenAt)
		if span > 0 && (in.Shared || span >= interval/2 && span <= interval*3/2) {
			return in.Before, in.Sample, nil
		}
	}
	if err := in.Probe.Wait(ctx, interval); err != nil {
		return nil, nil, err
	}
	if after, err = in.Probe.Sample(ctx); err != nil {
		return nil, nil, fmt.Errorf("look at the host again: %w", err)
	}
	if !after.TakenAt.After(in.Sample.TakenAt) {
		return nil, nil, errors.New("two looks at the host are of the same moment")
	}
	return in.Sample, after, nil
}

// strain is what a device had to do: percent of the time, and units of 1024^2 bytes a second.
type strain struct {
	device            string
	util, read, write float64
}

// strainOf is false for a device that was not there before, whose counters began anew, or that does not count its busy time.
func strainOf(before *host.Sample, d *host.Disk, span time.Duration) (strain, bool) {
	i := slices.IndexFunc(before.Disks, func(b host.Disk) bool { return b.Name == d.Name })
	if i < 0 || span <= 0 {
		return strain{}, false
	}
	b := &before.Disks[i]
	if !b.HasBusy || !d.HasBusy || d.Busy < b.Busy || d.ReadBytes < b.ReadBytes || d.WriteBytes < b.WriteBytes {
		return strain{}, false
	}
	rate := func(bytes uint64) float64 { return float64(bytes) / (1 << 20) / span.Seconds() }
	return strain{
		device: d.Name, util: min(100, checkers.Percent(float64(d.Busy-b.Busy), float64(span))),
		read: rate(d.ReadBytes - b.ReadBytes), write: rate(d.WriteBytes - b.WriteBytes),
	}, true
}

// heaviest is the process that moved the most bytes in between, nil when none did or none can be read.
func heaviest(before, after *host.Sample, span time.Duration) (most *host.Process, rate float64) {
	type key struct {
		pid     int
		started uint64
	}
	was := make(map[key]uint64, len(before.Processes))
	for i := range before.Processes {
		p := &before.Processes[i]
		was[key{p.PID, p.Started}] = p.ReadBytes + p.WriteBytes
	}
	var bytes uint64
	for i := range after.Processes {
		p := &after.Processes[i]
		now := p.ReadBytes + p.WriteBytes
		if delta := now - min(now, was[key{p.PID, p.Started}]); delta > bytes {
			most, bytes = p, delta
		}
	}
	return most, float64(bytes) / (1 << 20) / span.Seconds()
}
