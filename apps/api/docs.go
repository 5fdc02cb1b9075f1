package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.tmpl
var docsTemplate string

//go:embed docs.css
var docsCSS string

// docsStyle lets the page's one style sheet through its policy.
func docsStyle() string {
	sum := sha256.Sum256([]byte(docsCSS))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

type docsOperation struct {
	Method, Path, Summary, Scope, Anchor string
	Parameters                           []*huma.Param
	Fields                               []docsField
}

type docsField struct {
	Name, Type, Doc string
	Required        bool
}

type docsGroup struct {
	Name       string
	Operations []docsOperation
}

// renderDocs makes the page that lists every operation of the document. It needs no script and nothing from elsewhere.
func renderDocs(doc *huma.OpenAPI) ([]byte, error) {
	t, err := template.New("docs").Parse(docsTemplate)
	if err != nil {
		return nil, fmt.Errorf("read the docs page: %w", err)
	}
	var page bytes.Buffer
	err = t.Execute(&page, map[string]any{
		"Info": doc.Info, "Groups": docsGroups(doc),
		"Style": template.CSS(docsCSS), //nolint:gosec // our own embedded file
	})
	if err != nil {
		return nil, fmt.Errorf("render the docs page: %w", err)
	}
	return page.Bytes(), nil
}

func docsGroups(doc *huma.OpenAPI) []docsGroup {
	byTag := map[string][]docsOperation{}
	for path, item := range doc.Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if o == nil {
				continue
			}
			d := docsOperation{Method: o.Method, Path: path, Summary: o.Summary, Anchor: o.OperationID, Parameters: o.Parameters}
			d.Scope, _ = o.Extensions["x-scope"].(string)
			d.Fields = bodyFields(doc, o)
			tag := "hub"
			if strings.Count(path, "/") > 1 {
				tag = o.Tags[0]
			}
			byTag[tag] = append(byTag[tag], d)
		}
	}
	var groups []docsGroup
	for tag, operations := range byTag {
		slices.SortFunc(operations, func(a, b docsOperation) int {
			return strings.Compare(a.Path+methodOrder(a.Method), b.Path+methodOrder(b.Method))
		})
		groups = append(groups, docsGroup{tag, operations})
	}
	slices.SortFunc(groups, func(a, b docsGroup) int { return strings.Compare(a.Name, b.Name) })
	return groups
}

func methodOrder(m string) string {
	return " " + string(rune('0'+slices.Index([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, m)))
}

// bodyFields lists the fields of a JSON body, by name.
func bodyFields(doc *huma.OpenAPI, o *huma.Operation) []docsField {
	if o.RequestBody == nil || o.RequestBody.Content["application/json"] == nil {
		return nil
	}
	s := o.RequestBody.Content["application/json"].Schema
	if s != nil && s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil {
		return nil
	}
	var fields []docsField
	for name, p := range s.Properties {
		if p.ReadOnly {
			continue
		}
		kind := p.Type
		if kind == "" {
			kind = "any"
		}
		fields = append(fields, docsField{name, kind, p.Description, slices.Contains(s.Required, name)})
	}
	slices.SortFunc(fields, func(a, b docsField) int { return strings.Compare(a.Name, b.Name) })
	return fields
}
