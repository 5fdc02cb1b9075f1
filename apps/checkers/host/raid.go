package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// RAID checks Linux software RAID: arrays that miss a member, and those that are being rebuilt.
type RAID struct{}

var _ checkers.Checker = RAID{}

// Spec implements checkers.Checker.
func (RAID) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "raid", Doc: "Whether Linux software RAID arrays have all their members.", Platform: []string{"linux"}, Config: struct{}{},
	}
}

// Check implements checkers.Checker.
func (RAID) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	if _, err := checkers.Settings(in, struct{}{}); err != nil {
		return checkers.Finding{}, err
	}
	raw, err := in.Probe.Read(ctx, "/proc/mdstat")
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // without md there is no such file
		return checkers.Finding{}, fmt.Errorf("read /proc/mdstat: %w", err)
	}
	f := checkers.Finding{Status: checkers.OK}
	arrays, bad, notes, names := map[string]any{}, []string{}, []string{}, []string{}
	list := parseMdstat(string(raw))
	for _, a := range list {
		if a.action == "resync" { // mdstat calls a repair that too
			a.repair(ctx, in)
		}
		status, words := a.judge()
		arrays[a.name] = a.metrics(status)
		names = append(names, a.name)
		switch {
		case status == checkers.Critical:
			bad = append([]string{words}, bad...)
		case status != checkers.OK:
			bad = append(bad, words)
		case words != "":
			notes = append(notes, words)
		}
		f.Status = checkers.Worse(f.Status, status)
	}
	f.Metrics = map[string]any{"arrays": arrays, "array_count": len(list), "bad_count": len(bad)}
	switch {
	case len(list) == 0:
		f.Message = "no arrays"
	case len(bad) == 0:
		f.Message = "all members of " + someOf(names, 10) + " are there"
	default:
		f.Message = someOf(bad, 5)
	}
	if len(notes) > 0 {
		f.Message += "; " + someOf(notes, 3)
	}
	return f, nil
}

// repair asks sysfs whether what looks like a resync is a repair, a scrub that somebody asked for.
func (a *array) repair(ctx context.Context, in checkers.Input) {
	if strings.ContainsAny(a.name, "/.") {
		return
	}
	raw, err := in.Probe.Read(ctx, "/sys/block/"+a.name+"/md/sync_action")
	if err == nil && strings.TrimSpace(string(raw)) == "repair" {
		a.action = "repair"
	}
}

// rebuilding: members get back what they should hold. A scrub (check, repair) reads all of it and changes no state.
func (a *array) rebuilding() bool {
	return a.action == "recovery" || a.action == "resync" || a.action == "reshape"
}

// judge says how an array is, and in words why or what it does.
func (a *array) judge() (checkers.Status, string) {
	if a.outside && a.state == "inactive" {
		return checkers.OK, ""
	}
	if a.state != "active" {
		return checkers.Critical, fmt.Sprintf("%s is %s", a.name, a.state)
	}
	failed, missing := a.failed(), max(a.missing, a.slots-a.working)
	var why []string
	if missing > 0 {
		why = append(why, fmt.Sprintf("%d of %d members", a.slots-missing, a.slots))
	}
	if len(failed) > 0 {
		why = append(why, "failed: "+someOf(failed, 4))
	}
	if a.action != "" {
		why = append(why, a.progress())
	}
	if len(why) == 0 {
		return checkers.OK, ""
	}
	words := fmt.Sprintf("%s (%s): %s", a.name, a.level, strings.Join(why, ", "))
	switch {
	case a.rebuilding():
		return checkers.Warning, words
	case missing > 0 || len(failed) > 0:
		return checkers.Critical, words
	default:
		return checkers.OK, words
	}
}

func (a *array) progress() string {
	switch {
	case a.waits != "":
		return a.action + " " + strings.ToLower(a.waits)
	case a.finish != "":
		return fmt.Sprintf("%s at %.1f%%, %s to go", a.action, a.percent, a.finish)
	default:
		return fmt.Sprintf("%s at %.1f%%", a.action, a.percent)
	}
}

func (a *array) metrics(s checkers.Status) map[string]any {
	members := make([]string, len(a.members))
	for i, m := range a.members {
		members[i] = m.name
	}
	failed := a.failed()
	if failed == nil {
		failed = []string{}
	}
	m := map[string]any{
		"status": s, "state": a.state, "level": a.level, "members": members, "failed": failed, "slots": a.slots, "working": a.working,
	}
	if a.action != "" {
		m["action"], m["percent"], m["waits"] = a.action, a.percent, a.waits
	}
	return m
}
