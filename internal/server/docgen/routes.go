package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/server"
)

// document is what this page needs of the OpenAPI document.
type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Summary    string   `json:"summary"`
	Tags       []string `json:"tags"`
	Scope      string   `json:"x-scope"`
	Parameters []struct {
		Name string `json:"name"`
		In   string `json:"in"`
	} `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

type schema struct {
	Ref        string                     `json:"$ref"`
	Properties map[string]json.RawMessage `json:"properties"`
}

// routes is a table of what the API serves, from the document that a hub serves.
func routes(ctx context.Context) (string, error) {
	raw, err := openAPI(ctx)
	if err != nil {
		return "", err
	}
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return "", fmt.Errorf("read the OpenAPI document: %w", err)
	}
	var b strings.Builder
	head(&b, "route", "scope", "what", "takes")
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			if o, ok := doc.Paths[path][method]; ok {
				scope := o.Scope
				if scope == "" {
					scope = "none"
				}
				row(&b, "`"+strings.ToUpper(method)+" "+path+"`", scope, o.Summary, doc.takes(o))
			}
		}
	}
	return b.String(), nil
}

// takes names the parameters of the query and the fields of the body.
func (d *document) takes(o operation) string {
	var query, fields []string
	for _, p := range o.Parameters {
		if p.In == "query" {
			query = append(query, "`"+p.Name+"`")
		}
	}
	body := o.RequestBody.Content["application/json"].Schema
	if name, ok := strings.CutPrefix(body.Ref, "#/components/schemas/"); ok {
		body = d.Components.Schemas[name]
	}
	for _, name := range slices.Sorted(maps.Keys(body.Properties)) {
		fields = append(fields, "`"+name+"`")
	}
	var out []string
	if len(query) > 0 {
		out = append(out, "?"+strings.Join(query, " "))
	}
	if len(fields) > 0 {
		out = append(out, "{"+strings.Join(fields, " ")+"}")
	}
	return strings.Join(out, " ")
}

// openAPI starts a hub in a temporary folder and asks it for its document.
func openAPI(ctx context.Context) (doc []byte, err error) {
	dir, err := os.MkdirTemp("", "docgen")
	if err != nil {
		return nil, fmt.Errorf("make a data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	const key = "docgen-admin-key-0123456789"
	settings := map[string]string{"HUB_DATA_DIR": dir, "HUB_LISTEN": "127.0.0.1:0", "HUB_ADMIN_KEY": key}
	cfg, err := config.Load(func(name string) string { return settings[name] }, nil)
	if err != nil {
		return nil, err
	}
	s, err := server.New(ctx, cfg, slog.New(slog.DiscardHandler), io.Discard, server.Options{Version: "docs", Unsafe: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop(context.WithoutCancel(ctx))) }()
	if err := s.Start(); err != nil { //nolint:contextcheck // its work ends with Stop
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/openapi.json", nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the document: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	answer, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask for the document: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for the document: %s", answer.Status)
	}
	return io.ReadAll(answer.Body)
}
