package alerts

import (
	"errors"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Registry chooses drivers; drivers/registry fits.
type Registry interface {
	Get(name string) (drivers.Driver, error)
	Detect(d doc.Object) (drivers.Driver, error)
}

// Parsed is a body after parsing.
type Parsed struct {
	event.Parsed
	Driver   string // "" when nothing recognises the body
	Unusable string // why no item of it can be used
}

// Parse decodes a body once and reads it with the named driver, or with the one that recognises it. A body that is no JSON
// object within the limits is an error; one that nobody can use is not, it is kept with the reason.
func Parse(reg Registry, name string, body []byte, lim doc.Limits) (Parsed, error) {
	var d drivers.Driver
	var err error
	if name != "" {
		if d, err = reg.Get(name); err != nil {
			return Parsed{}, err
		}
	}
	o, err := doc.Decode(body, lim)
	if err != nil {
		return Parsed{}, err
	}
	if d == nil {
		if d, err = reg.Detect(o); err != nil {
			return Parsed{Unusable: err.Error()}, nil //nolint:nilerr // it is what the sender hears and the receipt keeps
		}
	}
	p, err := d.Parse(o)
	out := Parsed{Parsed: p, Driver: d.Name()}
	switch {
	case err != nil:
		out.Unusable = err.Error()
	case len(p.Observations) == 0 && len(p.Rejected) > 0:
		out.Unusable = "no item of the body can be used: " + p.Rejected[0].Reason
	case len(p.Observations) == 0 && p.Ignored == "":
		out.Unusable = errNothing.Error()
	}
	return out, nil
}

var errNothing = errors.New("the body holds no alert")
