package cli

import "runtime/debug"

type versionCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run implements the command.
func (c versionCmd) Run(p *Program) error {
	v := map[string]string{"version": "unknown", "commit": "", "go": ""}
	if info, ok := debug.ReadBuildInfo(); ok {
		v["version"], v["go"] = info.Main.Version, info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v["commit"] = s.Value
			}
		}
	}
	if c.JSON {
		return p.printJSON(v)
	}
	p.say("incidenthub %s (commit %s, %s)", v["version"], short(v["commit"]), v["go"])
	return nil
}

func short(commit string) string {
	if commit == "" {
		return "unknown"
	}
	return commit[:min(12, len(commit))]
}
