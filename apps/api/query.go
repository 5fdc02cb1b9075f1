package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/internal/platform/near"
)

// onePage are parameters that lists without pages take as well, for callers that ask every list alike: all they have is on the first page.
var onePage = []string{"cursor", "limit"}

// queryOf are the parameters that a reading operation of /api/v1 knows, by name; nil for others, of which nobody asks for a selection. A filter that
// is passed over in silence would answer with what nobody meant, so that lists, and whatever else takes parameters, refuse what they do not know.
func queryOf(reg huma.Registry, o *huma.Operation) []string {
	if o.Method != http.MethodGet || !strings.HasPrefix(o.Path, "/api/v1/") {
		return nil
	}
	var known []string
	for _, p := range o.Parameters {
		if p.In == "query" {
			known = append(known, p.Name)
		}
	}
	if isList(reg, o) {
		for _, name := range onePage {
			if !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	slices.Sort(known)
	return known
}

// isList reports whether an operation answers with items.
func isList(reg huma.Registry, o *huma.Operation) bool {
	ok := o.Responses[strconv.Itoa(http.StatusOK)]
	if ok == nil || ok.Content[mediaJSON] == nil {
		return false
	}
	s := plainSchema(reg, ok.Content[mediaJSON].Schema)
	return s != nil && s.Properties["items"] != nil
}

type unknownQueryKey struct{}

// withUnknown notes in ctx which parameters of a request are not known; they are told together with whatever else is wrong with it.
func withUnknown(ctx context.Context, r *http.Request, known []string) context.Context {
	var found []Detail
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(known, name) && len(found) < maxUnknownKeys {
			found = append(found, unknownParameter(name, known))
		}
	}
	if len(found) == 0 {
		return ctx
	}
	return context.WithValue(ctx, unknownQueryKey{}, found)
}

// unknownIn are the parameters that withUnknown noted.
func unknownIn(ctx context.Context) []Detail {
	found, _ := ctx.Value(unknownQueryKey{}).([]Detail)
	return found
}

// unknownParameter says which parameter there is not, which there are, and which was probably meant.
func unknownParameter(name string, known []string) Detail {
	d := Detail{Message: "is unknown; known are " + strings.Join(known, ", "), Location: "query." + name}
	if n := len([]rune(name)); n > maxUnknownKey {
		d.Message, d.Location = fmt.Sprintf("has a parameter of %d characters that is unknown; known are %s", n, strings.Join(known, ", ")), "query"
	}
	meant := near.Word(name, known)
	for _, k := range known { // some lists say incident, others incident_id
		if strings.EqualFold(name, k+"_id") || strings.EqualFold(name+"_id", k) {
			meant = k
		}
	}
	if meant != "" {
		d.Suggestion = "did you mean " + strconv.Quote(meant) + "?"
	}
	return d
}
