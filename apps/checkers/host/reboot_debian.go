package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// RebootDebian checks whether an update waits for a reboot, on Debian, Ubuntu and their family.
type RebootDebian struct{}

var _ checkers.Checker = RebootDebian{}

// rebootMarker is written by packages; the packages' names are beside it (debian policy: update-notifier-common, unattended-upgrades).
const rebootMarker = "/var/run/reboot-required"

// rebootMost is how many packages are listed.
const rebootMost = 100

// Spec implements checkers.Checker.
func (RebootDebian) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "reboot_debian", Doc: "Whether updates wait for a reboot, on Debian and its family.", Platform: []string{"linux"}, Config: struct{}{},
	}
}

// Check implements checkers.Checker.
func (RebootDebian) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	if _, err := checkers.Settings(in, struct{}{}); err != nil {
		return checkers.Finding{}, err
	}
	if f := in.Sample.Family; f != "" && f != "debian" {
		return checkers.Finding{Status: checkers.OK, Message: "skipped: only for the family of Debian, this is " + f}, nil
	}
	_, err := in.Probe.Read(ctx, rebootMarker)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return checkers.Finding{Status: checkers.OK, Message: "no reboot is needed", Metrics: map[string]any{"reboot_required": false}}, nil
	case err != nil:
		return checkers.Finding{}, fmt.Errorf("read %s: %w", rebootMarker, err)
	}
	packages := []string{}
	raw, err := in.Probe.Read(ctx, rebootMarker+".pkgs") // not every package adds its name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return checkers.Finding{}, fmt.Errorf("read %s.pkgs: %w", rebootMarker, err)
	}
	for line := range strings.Lines(string(raw)) {
		if name := strings.TrimSpace(line); name != "" && len(packages) < rebootMost && !slices.Contains(packages, name) {
			packages = append(packages, name)
		}
	}
	message := "a reboot is needed"
	if len(packages) > 0 {
		message += " for updates of " + someOf(packages, 10)
	}
	return checkers.Finding{
		Status: checkers.Warning, Message: message, Metrics: map[string]any{"reboot_required": true, "packages": packages},
	}, nil
}

// someOf joins texts, at most n of them.
func someOf(list []string, n int) string {
	if len(list) <= n {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:n], ", "), len(list)-n)
}
