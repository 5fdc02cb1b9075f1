package cli

import (
	"context"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/auth"
)

type keyCmd struct {
	Create     keyCreateCmd     `cmd:"" help:"Make a key and print it, once."`
	List       keyListCmd       `cmd:"" help:"List keys."`
	Revoke     keyRevokeCmd     `cmd:"" help:"Make a key open nothing from now on."`
	ResetAdmin keyResetAdminCmd `cmd:"" help:"Replace the owner's admin token and print the new one, once."`
	Reencrypt  keyReencryptCmd  `cmd:"" help:"Seal stored secrets with the first key of HUB_SECRET_KEY."`
}

type keyCreateCmd struct {
	where
	Name     string        `arg:"" help:"Unique name, as written into timelines."`
	Scope    []string      `short:"s" default:"read" enum:"ingest,read,respond,edit,admin" help:"What it may do; repeat or separate by commas."`
	Endpoint []string      `placeholder:"PATH" help:"Limit it to a path and what is below, such as /api/v1/incidents."`
	Expires  time.Duration `placeholder:"DURATION" help:"End it after this time, such as 720h. Default: never."`
	JSON     bool          `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (keyCreateCmd) Help() string {
	return `Scopes: ingest (post alerts), read, respond (read; acknowledge, resolve, note), edit (respond; change sources, channels,
pipelines), admin (everything).

Examples:

    incidenthub key create oncall-bot --scope respond
    incidenthub key create backup --scope ingest --expires 720h`
}

// wireKey is a key as --json prints it.
type wireKey struct {
	ID               string      `json:"id"`
	Name             string      `json:"name"`
	Key              string      `json:"key,omitempty"` // only when it was just made
	KeyPrefix        string      `json:"key_prefix"`
	Scopes           auth.Scopes `json:"scopes"`
	AllowedEndpoints []string    `json:"allowed_endpoints"`
	IsActive         bool        `json:"is_active"`
	CreatedAt        time.Time   `json:"created_at"`
	ExpiresAt        *time.Time  `json:"expires_at"`
	LastUsedAt       *time.Time  `json:"last_used_at"`
}

func wire(k auth.Key, raw string) wireKey {
	return wireKey{
		ID: k.ID.String(), Name: k.Name, Key: raw, KeyPrefix: k.KeyPrefix, Scopes: k.Scopes.V, AllowedEndpoints: k.AllowedEndpoints.V,
		IsActive: k.IsActive, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt,
	}
}

// Run implements the command.
func (c keyCreateCmd) Run(ctx context.Context, p *Program) error {
	return p.withHub(ctx, c.where, func(ctx context.Context, h *Hub) error {
		in := auth.KeyInput{Name: c.Name, AllowedEndpoints: c.Endpoint}
		for _, s := range c.Scope {
			in.Scopes = append(in.Scopes, auth.Scope(s))
		}
		if c.Expires != 0 {
			end := h.Target.DB.Now().Add(c.Expires)
			in.ExpiresAt = &end
		}
		k, raw, err := h.Auth.CreateKey(ctx, tenant, in)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(wire(k, raw))
		}
		p.say("Key %q, shown this once:\n%s", k.Name, raw)
		return nil
	})
}

type keyListCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

// Run implements the command.
func (c keyListCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		keys, err := h.Auth.ListKeys(ctx, tenant)
		if err != nil {
			return err
		}
		if c.JSON {
			out := make([]wireKey, len(keys))
			for i, k := range keys {
				out[i] = wire(k, "")
			}
			return p.printJSON(out)
		}
		rows := make([][]string, len(keys))
		for i, k := range keys {
			scopes := make([]string, len(k.Scopes.V))
			for j, s := range k.Scopes.V {
				scopes[j] = string(s)
			}
			state := "active"
			switch {
			case !k.IsActive:
				state = "revoked"
			case k.ExpiresAt != nil && !h.Target.DB.Now().Before(*k.ExpiresAt):
				state = "expired"
			}
			rows[i] = []string{k.Name, k.KeyPrefix + "…", state, strings.Join(scopes, ","), at(&k.CreatedAt), at(k.ExpiresAt), at(k.LastUsedAt)}
		}
		return p.table([]string{"NAME", "KEY", "STATE", "SCOPES", "CREATED", "EXPIRES", "LAST USED"}, rows)
	})
}

type keyRevokeCmd struct {
	where
	Key  string `arg:"" help:"Name or id."`
	JSON bool   `help:"Print JSON."`
}

// Run implements the command.
func (c keyRevokeCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		k, err := h.Auth.RevokeKey(ctx, tenant, c.Key)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(wire(k, ""))
		}
		p.say("Key %q is revoked; a running hub refuses it within a second.", k.Name)
		return nil
	})
}

type keyResetAdminCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (keyResetAdminCmd) Help() string {
	return `For when the token that the first start printed is lost. The old token and its browser sessions end. HUB_ADMIN_KEY is not touched.`
}

// Run implements the command.
func (c keyResetAdminCmd) Run(ctx context.Context, p *Program) error {
	return p.withHub(ctx, c.where, func(ctx context.Context, h *Hub) error {
		raw, err := h.Auth.ResetAdmin(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]string{"name": auth.OwnerName, "key": raw})
		}
		p.say("The owner's admin token, shown this once:\n%s", raw)
		return nil
	})
}

type keyReencryptCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (keyReencryptCmd) Help() string {
	return `To change the key that stored secrets are sealed with: put the new key in front of the old one, restart the hub, run this, then
take the old key away.

Example:

    HUB_SECRET_KEY=$NEW,$OLD incidenthub key reencrypt`
}

// Run implements the command.
func (c keyReencryptCmd) Run(ctx context.Context, p *Program) error {
	return p.withStored(ctx, c.where, func(ctx context.Context, h *Hub) error {
		if err := h.Secrets.Verify(ctx); err != nil {
			return err
		}
		n, err := h.Secrets.Reencrypt(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.printJSON(map[string]int{"reencrypted": n})
		}
		p.say("%d secrets are sealed with the new key.", n)
		return nil
	})
}
