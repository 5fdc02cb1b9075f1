package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// alsoWrong names what an operation finds wrong with a body beside its keys and types: a function of this type in its metadata. It is asked once
// something is wrong already, so that all of it is said at once; ref is the {ref} of the path.
type alsoWrong func(ctx context.Context, tenant, ref string, body map[string]any) error

// alsoKey is where the metadata of an operation has its alsoWrong.
const alsoKey = "also_wrong"

// checkBody reads the body of a request and returns what is wrong with it, nil when that is nothing, or nothing that can be said better than huma
// does. The request has its body again afterwards.
func (a *API) checkBody(reg huma.Registry, o *huma.Operation, c *gin.Context) *Problem {
	r := c.Request
	if r.Body == nil || r.Body == http.NoBody || o.SkipValidateBody || !strings.Contains(cmp.Or(r.Header.Get("Content-Type"), mediaJSON), "json") {
		return nil
	}
	limit := o.MaxBodyBytes
	if limit <= 0 {
		limit = maxNotifyBody
	}
	// Where deadlines cannot be set, there is no connection that could keep us waiting.
	_ = huma.SetReadDeadline(c.Writer, clock.System().Now().Add(max(o.BodyReadTimeout, bodyTime)))
	raw, err := io.ReadAll(io.LimitReader(r.Body, limit))
	if err != nil || int64(len(raw)) >= limit {
		r.Body = again{io.MultiReader(bytes.NewReader(raw), r.Body), r.Body}
		return nil //nolint:nilerr // whoever reads the body says what is wrong with it
	}
	r.Body = arrived{bytes.NewReader(raw)}
	_ = huma.SetReadDeadline(c.Writer, time.Time{}) // or it would end the request's context while it is served
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil //nolint:nilerr // the same
	}
	found := a.wrongBody(reg, o, v)
	if len(found) == 0 {
		return nil
	}
	if also, ok := o.Metadata[alsoKey].(alsoWrong); ok {
		found = append(found, a.also(c, also, v, found)...)
	}
	return newProblem(http.StatusUnprocessableEntity, unusableDetail, found...)
}

// arrived is a body that is here whole.
type arrived struct{ io.Reader }

// Close implements io.Closer.
func (arrived) Close() error { return nil }

// again is a body of which a part was read, and what is left of it.
type again struct {
	io.Reader
	io.Closer
}

// wrongBody lists wrong types, what is missing, and keys that are not known.
func (a *API) wrongBody(reg huma.Registry, o *huma.Operation, v any) []Detail {
	s := bodySchema(reg, o)
	if s == nil {
		return uncalledFor(o, v)
	}
	var res huma.ValidateResult
	path := huma.NewPathBuffer(nil, 0)
	path.Push("body")
	huma.Validate(reg, s, path, huma.ModeWriteToServer, v, &res)
	p, _ := fromHuma(http.StatusUnprocessableEntity, "", res.Errors...).(*Problem)
	found := slices.DeleteFunc(p.Errors, func(d Detail) bool { return d.Message == validation.MsgUnexpectedProperty })
	for i := range found {
		found[i].Message += exampleOf(reg, s, found[i])
	}
	return append(found, unknownKeys(reg, s, v, "")...)
}

// uncalledFor lists the keys of a body where none is asked for.
func uncalledFor(o *huma.Operation, v any) []Detail {
	if fields, ok := v.(map[string]any); !ok || o.RequestBody != nil || len(fields) == 0 {
		return nil
	}
	return []Detail{{Message: "takes no body: nothing of it would be looked at. Leave it out"}}
}

// exampleOf shows what a field of a wrong type looks like, if its description has an example.
func exampleOf(reg huma.Registry, s *huma.Schema, d Detail) string {
	if !strings.HasPrefix(d.Message, "expected ") {
		return ""
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(d.Pointer, "/"), "/") {
		if s = plainSchema(reg, s); s == nil {
			return ""
		}
		if len(s.Examples) > 0 {
			break
		}
		if s.Items != nil {
			s = s.Items
		} else {
			s, _ = property(s, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
		}
	}
	if s = plainSchema(reg, s); s == nil || len(s.Examples) == 0 {
		return ""
	}
	shown := bytes.Buffer{}
	enc := json.NewEncoder(&shown)
	enc.SetEscapeHTML(false)
	if enc.Encode(s.Examples[0]) != nil {
		return ""
	}
	return ", such as " + strings.TrimSpace(shown.String())
}

// also lists what the operation finds wrong itself, without what was said.
func (a *API) also(c *gin.Context, look alsoWrong, v any, said []Detail) []Detail {
	body, ok := v.(map[string]any)
	p, err := who(c.Request.Context())
	if !ok || err != nil {
		return nil
	}
	more := invalid(look(c.Request.Context(), p.Tenant, c.Param("ref"), body))
	if more == nil {
		return nil
	}
	return slices.DeleteFunc(more.Errors, func(d Detail) bool {
		return slices.ContainsFunc(said, func(s Detail) bool { return s.Pointer == d.Pointer })
	})
}
