package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/incidenthub/incidenthub/apps/cli"
)

// commands is the help of every command, as the binary prints it.
func commands(ctx context.Context) (string, error) {
	var b strings.Builder
	err := describe(ctx, &b, nil)
	return b.String(), err
}

// command is a line in a list of commands: its words, and what it is for.
var command = regexp.MustCompile(`(?m)^  ([a-z][a-z -]*[a-z])(?: \([a-z]+\))?  +\S`)

func describe(ctx context.Context, b *strings.Builder, path []string) error {
	text, err := help(ctx, path)
	if err != nil {
		return err
	}
	about, list, group := strings.Cut(text, "\nCommands:\n")
	if len(path) > 0 && !group {
		fmt.Fprintf(b, "## %s\n\n```text\n%s\n```\n\n", strings.Join(path, " "), strings.TrimSpace(about))
	}
	for _, m := range command.FindAllStringSubmatch(list, -1) {
		words := strings.Fields(m[1])
		if len(words) != len(path)+1 { // in a group the words of the group come first
			return fmt.Errorf("the help of %q lists %q", strings.Join(path, " "), m[1])
		}
		if err := describe(ctx, b, words); err != nil {
			return err
		}
	}
	return nil
}

// help is what a command prints about itself.
func help(ctx context.Context, path []string) (string, error) {
	var out bytes.Buffer
	code := parse(ctx, &out, path)
	if code != cli.ExitOK {
		return "", fmt.Errorf("help of %q: exit code %d: %s", strings.Join(path, " "), code, out.String())
	}
	return out.String(), nil
}

// parse has the command line read as the binary would, and its help printed instead of running it: unknown commands, flags and
// arguments are refused before that.
func parse(ctx context.Context, out *bytes.Buffer, args []string) int {
	return cli.Run(ctx, cli.Program{In: &bytes.Buffer{}, Out: out, Err: out, Getenv: func(string) string { return "" }}, append(append([]string{}, args...), "--help"))
}
