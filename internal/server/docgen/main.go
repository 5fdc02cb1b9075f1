// Command docgen writes the parts of the pages in docs that come from code: the commands, the settings, the routes of the API, the models,
// and the pipeline format. A page marks such a part with
//
//	<!-- begin NAME: written by make generate -->
//	<!-- end NAME -->
//
// Its tests hold the pages against the product: generated parts are current, links and paths lead somewhere, command lines
// parse, and definitions lint clean.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

//go:generate go run -tags nomsgpack -trimpath . -root ../../..

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stderr)) }

func run(ctx context.Context, args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("docgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "folder of the repository")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := write(ctx, *root); err != nil {
		_, _ = fmt.Fprintln(stderr, "docgen:", err)
		return 1
	}
	return 0
}

// write brings the pages of docs up to date and leaves those that are as they were.
func write(ctx context.Context, root string) error {
	pages, err := render(ctx, os.DirFS(root))
	if err != nil {
		return err
	}
	for _, p := range pages {
		if bytes.Equal(p.old, p.text) {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(p.path)), p.text, 0o644); err != nil { //nolint:gosec // a page is for everybody
			return fmt.Errorf("write a page: %w", err)
		}
	}
	return nil
}

// page is one file of docs, as it is and as it should be.
type page struct {
	path      string // below the root
	old, text []byte
}

// render fills the marked parts of every page. Each part must be wanted by exactly one page.
func render(ctx context.Context, root fs.FS) ([]page, error) {
	parts, err := makeParts(ctx)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(root, "docs/*.md")
	if err != nil {
		return nil, fmt.Errorf("list docs: %w", err)
	}
	var pages []page
	for _, name := range names {
		old, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, fmt.Errorf("read a page: %w", err)
		}
		text, err := fill(old, parts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		pages = append(pages, page{path: name, old: old, text: text})
	}
	var errs []error
	for name, p := range parts {
		if p.used != 1 {
			errs = append(errs, fmt.Errorf("part %q is on %d pages of docs, want 1", name, p.used))
		}
	}
	return pages, errors.Join(errs...)
}
