package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type alertQuery struct {
	PageQuery
	Status      string `query:"status" enum:"firing,resolved"`
	Severity    string `query:"severity" enum:"critical,warning,info"`
	Source      string `query:"source" doc:"The source of the alert's key: a driver's name, or what the sender or its entry calls it." maxLength:"100"`
	Fingerprint string `query:"fingerprint" doc:"The alert's key inside its source; give source as well." maxLength:"255"`
	Name        string `query:"name" doc:"The whole name." maxLength:"255"`
	Incident    string `query:"incident" doc:"Id of the incident it belongs to." format:"uuid"`
	Text        string `query:"q" doc:"Part of the name or of a label, upper and lower case alike." maxLength:"200"`
}

func (a *API) alertRoutes(h huma.API) {
	get(a, h, "/api/v1/alerts", "list-alerts", "Alerts, newest first",
		func(ctx context.Context, tenant string, in *alertQuery) (storage.Page[alerts.Alert], error) {
			page, err := in.page()
			if err != nil {
				return storage.Page[alerts.Alert]{}, err
			}
			incident, err := filterID("incident", in.Incident)
			if err != nil {
				return storage.Page[alerts.Alert]{}, err
			}
			return a.Alerts.Alerts(ctx, tenant, alerts.AlertFilter{
				Status: in.Status, Severity: in.Severity, Source: in.Source, Fingerprint: in.Fingerprint,
				Name: in.Name, Incident: incident, Text: in.Text,
			}, page)
		})
	get(a, h, "/api/v1/alerts/{id}", "get-alert", "One alert with its history",
		func(ctx context.Context, tenant string, in *ByID) (alerts.AlertDetail, error) {
			alert, err := in.key("alert")
			if err != nil {
				return alerts.AlertDetail{}, err
			}
			return a.Alerts.Alert(ctx, tenant, alert)
		})
}
