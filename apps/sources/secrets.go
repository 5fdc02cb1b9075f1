package sources

import (
	"context"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Names in the table secrets. They never change: sealed values are bound to them.
const (
	secretOwner   = "sources"
	fieldCurrent  = "signature_secret"
	fieldPrevious = "signature_previous"
)

// secrets are the two that are valid at a time.
type secrets struct{ current, previous secret.String }

func secretsOf(fields map[string]secret.String) secrets {
	return secrets{current: fields[fieldCurrent], previous: fields[fieldPrevious]}
}

// with returns what is to be stored after in. No scheme keeps no secrets.
func (s secrets) with(in Input) secrets {
	next := s
	if v := in.SignatureSecret; v != nil && !v.Equal(s.current) {
		next.current = *v
		if !v.IsZero() && !s.current.IsZero() {
			next.previous = s.current
		}
	}
	if in.SignaturePrevious != nil {
		next.previous = *in.SignaturePrevious
	}
	if in.Signature.Scheme == SchemeNone {
		return secrets{}
	}
	return next
}

// list returns the set ones.
func (s secrets) list() []secret.String {
	var out []secret.String
	for _, v := range []secret.String{s.current, s.previous} {
		if !v.IsZero() {
			out = append(out, v)
		}
	}
	return out
}

func (s *Service) loadSecrets(ctx context.Context, tenant string, sourceID id.ID) (secrets, error) {
	fields, err := s.secrets.All(ctx, tenant, secretOwner, sourceID)
	return secretsOf(fields), err
}

func (s *Service) storeSecrets(ctx context.Context, tenant string, sourceID id.ID, v secrets) error {
	if err := s.secrets.Put(ctx, tenant, secretOwner, sourceID, fieldCurrent, v.current); err != nil {
		return err
	}
	return s.secrets.Put(ctx, tenant, secretOwner, sourceID, fieldPrevious, v.previous)
}
