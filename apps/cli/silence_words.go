package cli

import (
	"errors"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/silences"
)

// silenceNames are the flags for the fields of a silence.
func silenceNames() map[string]string {
	return map[string]string{
		"matchers": "--matcher", "incident_id": "--incident", "comment": "--comment", "name": "--name", "kind": "--maintenance", "starts_at": "--starts-at",
		"ends_at": "--ends-at", "duration": "--duration", "until_resolved": "--until-resolved", "unused_for": "--unused-for", "recurrence": "--rrule",
		"recurrence.rrule": "--rrule", "recurrence.duration": "--window", "recurrence.timezone": "--timezone",
	}
}

// inFlags says what the hub refuses in the words of the command line.
func inFlags(err error) error {
	r := (*refusal)(nil)
	if !errors.As(err, &r) {
		return err
	}
	names := silenceNames()
	for i := range r.wrong {
		c := &r.wrong[i]
		field := strings.ReplaceAll(strings.TrimPrefix(c.where, "/"), "/", ".")
		n, found := strings.CutPrefix(field, "matchers.")
		at, bad := strconv.Atoi(n)
		switch {
		case c.where == "":
			continue
		case found && bad == nil:
			c.where = "--matcher number " + strconv.Itoa(at+1)
			continue // it quotes what was typed
		case c.words == silences.NoEnd:
			c.where, c.words = "", "Say when it ends: --duration, --ends-at, --until-resolved, --unused-for, or --rrule with --window"
		case names[field] != "":
			c.where, c.words = names[field], silences.Reword(c.words, names)
		}
	}
	return err
}

// count is a number with its word: 1 alert, 2 alerts.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
