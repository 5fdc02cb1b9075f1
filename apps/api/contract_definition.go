package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// maxContractBody bounds the body of a definition under /orchestration, in bytes.
const maxContractBody = 2 << 20

// contractChange is a route that changes definitions; it answers with status and what call returns, nil for an empty body.
type contractChange struct {
	method, path, name, summary string
	status                      int
	call                        func(ctx context.Context, c caller, g *gin.Context) (any, error)
}

// contractDefinitionRoutes registers the routes by which older tools change and check definitions.
func (a *API) contractDefinitionRoutes(e *gin.Engine, doc *huma.OpenAPI) {
	path := "/orchestration/definitions"
	for _, r := range []contractChange{
		{http.MethodPost, path, "contract-create-definition", "Store a definition", http.StatusCreated, a.contractCreate},
		{http.MethodPut, path + "/{ref}", "contract-replace-definition", "Set every field of a definition", http.StatusOK, a.contractReplace},
		{http.MethodPatch, path + "/{ref}", "contract-update-definition", "Change the given fields of a definition", http.StatusOK, a.contractUpdate},
		{http.MethodDelete, path + "/{ref}", "contract-delete-definition", "Delete a definition; its runs stay", http.StatusNoContent, a.contractDelete},
		{http.MethodPost, path + "/{ref}/clone", "contract-clone-definition", "Copy a definition, not active", http.StatusCreated, a.contractClone},
		{http.MethodPost, path + "/{ref}/validate", "contract-validate-definition", "Check a stored definition again, or the one in the body instead", http.StatusOK, a.contractValidate},
		{http.MethodPost, path + "/validate", "contract-validate-body", "Check a definition without storing it", http.StatusOK, a.contractValidateBody},
	} {
		o := op(r.method, r.path, r.name, r.summary)
		media := map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}
		answer := &huma.Response{Description: http.StatusText(r.status)}
		o.Responses = map[string]*huma.Response{strconv.Itoa(r.status): answer}
		if r.status != http.StatusNoContent {
			answer.Content = media
			o.RequestBody = &huma.RequestBody{Content: media}
		}
		o.Parameters = pathParameters(r.path)
		doc.AddOperation(&o)
		a.both(e, r.method, r.path, a.contractChanging(r))
	}
}

func (a *API) contractChanging(r contractChange) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		p, err := who(ctx)
		var v any
		if err == nil {
			v, err = r.call(ctx, caller{p.Tenant, p.Name}, c)
		}
		switch {
		case err != nil:
			a.contractRefuse(c, err)
		case v == nil:
			c.Status(r.status)
		default:
			c.PureJSON(r.status, v)
		}
	}
}

// contractRefuse answers with {"error": "…"}; what is wrong with a definition is listed beside it, one line for each problem.
func (a *API) contractRefuse(c *gin.Context, err error) {
	f := a.fail(c.Request.Context(), err)
	for name, values := range f.GetHeaders() {
		c.Header(name, values[0])
	}
	answer := gin.H{"error": f.Detail}
	if f.Status == http.StatusUnprocessableEntity {
		f.Status = http.StatusBadRequest // the contract knows no 422
	}
	if e := (*orchestration.InvalidDefinition)(nil); errors.As(err, &e) {
		answer["error"], answer["errors"] = "The definition is not valid; errors lists all that is wrong.", linesOf(e.Problems)
	}
	c.PureJSON(f.Status, answer)
}

// linesOf lists the errors among problems as lines of text.
func linesOf(problems []orchestration.LintProblem) []string {
	lines := []string{}
	for _, p := range problems {
		if isError(p) {
			lines = append(lines, p.String())
		}
	}
	return lines
}

// contractBody reads the body's JSON object into out. An empty body is left out of it, if it may be.
func contractBody(c *gin.Context, out any, mayBeEmpty bool) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxContractBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body has more than %d bytes.", maxContractBody))
	}
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "The body ended early.")
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 && mayBeEmpty {
		return nil, nil
	}
	return raw, readObject(raw, out)
}

// readObject reads a JSON object into out.
func readObject(raw []byte, out any) error {
	if err := json.Unmarshal(raw, out); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) && wrong.Field != "" {
			return newProblem(http.StatusBadRequest, fmt.Sprintf("The field %s must not be a JSON %s.", wrong.Field, wrong.Value))
		}
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			return newProblem(http.StatusBadRequest, "The body is not valid JSON: "+err.Error())
		}
		return newProblem(http.StatusBadRequest, "The body is not a JSON object with fields of the right kind.")
	}
	if raw[0] != '{' { // null is read without complaint
		return newProblem(http.StatusBadRequest, "The body is not a JSON object.")
	}
	return nil
}

func (a *API) contractCreate(ctx context.Context, c caller, g *gin.Context) (any, error) {
	var fields definitionFields
	if _, err := contractBody(g, &fields, false); err != nil {
		return nil, err
	}
	d, err := a.Definitions.Create(ctx, c.tenant, fields.over(orchestration.DefinitionInput{IsActive: true}, c.name))
	return viewDefinition(d), err
}

func (a *API) contractReplace(ctx context.Context, c caller, g *gin.Context) (any, error) {
	return a.contractEdit(ctx, c, g, replacing)
}

func (a *API) contractUpdate(ctx context.Context, c caller, g *gin.Context) (any, error) {
	return a.contractEdit(ctx, c, g, orchestration.InputOfDefinition)
}

func (a *API) contractEdit(ctx context.Context, c caller, g *gin.Context, base func(orchestration.Definition) orchestration.DefinitionInput) (any, error) {
	var fields definitionFields
	if _, err := contractBody(g, &fields, false); err != nil {
		return nil, err
	}
	d, err := a.changeDefinition(ctx, c, g.Param("ref"), fields, base)
	return viewDefinition(d), err
}

func (a *API) contractDelete(ctx context.Context, c caller, g *gin.Context) (any, error) {
	return nil, a.Definitions.SoftDelete(ctx, c.tenant, g.Param("ref"))
}

// contractClone copies under the given name, else under the original's with -copy behind it.
func (a *API) contractClone(ctx context.Context, c caller, g *gin.Context) (any, error) {
	var body struct {
		Name string `json:"name"`
	}
	if _, err := contractBody(g, &body, true); err != nil {
		return nil, err
	}
	if body.Name == "" {
		was, err := a.Definitions.Get(ctx, c.tenant, g.Param("ref"))
		if err != nil {
			return nil, err
		}
		body.Name = was.Name + "-copy"
	}
	d, err := a.Definitions.Clone(ctx, c.tenant, g.Param("ref"), body.Name, c.name)
	return viewDefinition(d), err
}

// candidate is a definition in a body: {"config": {…}}, or the definition itself.
type candidate struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`

	// A body with one of these is the definition itself.
	Format json.RawMessage `json:"version"`
	Nodes  json.RawMessage `json:"nodes"`
}

// text is what there is to check, nil for nothing.
func (d candidate) text(body []byte) []byte {
	switch {
	case len(d.Config) > 0:
		return d.Config
	case len(d.Nodes) > 0 || len(d.Format) > 0:
		return body
	default:
		return nil
	}
}

// verdict is the contract's answer on a definition; Version is null for one that is not stored.
type verdict struct {
	Name    string   `json:"name"`
	Version *int64   `json:"version"`
	Valid   bool     `json:"valid"`
	Errors  []string `json:"errors"`
}

// contractValidate checks the stored definition, or what the body would make of it.
func (a *API) contractValidate(ctx context.Context, c caller, g *gin.Context) (any, error) {
	d, err := a.Definitions.Get(ctx, c.tenant, g.Param("ref"))
	if err != nil {
		return nil, err
	}
	var given candidate
	raw, err := contractBody(g, &given, true)
	if err != nil {
		return nil, err
	}
	config := given.text(raw)
	if config == nil {
		config = d.Config.V
	}
	return a.judge(ctx, c.tenant, d.Name, &d.Version, config)
}

func (a *API) contractValidateBody(ctx context.Context, c caller, g *gin.Context) (any, error) {
	var given candidate
	raw, err := contractBody(g, &given, false)
	if err != nil {
		return nil, err
	}
	config := given.text(raw)
	if config == nil {
		config = raw // lint says what is missing
	}
	return a.judge(ctx, c.tenant, given.Name, nil, config)
}

func (a *API) judge(ctx context.Context, tenant, name string, version *int64, config []byte) (any, error) {
	found, err := a.Definitions.Validate(ctx, tenant, config)
	if err != nil {
		return nil, fmt.Errorf("validate a definition: %w", err)
	}
	lines := linesOf(found)
	return verdict{Name: name, Version: version, Valid: len(lines) == 0, Errors: lines}, nil
}
