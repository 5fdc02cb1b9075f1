package cli

import "github.com/incidenthub/incidenthub/apps/orchestration"

type schemaCmd struct {
	Definition schemaDefinitionCmd `cmd:"" help:"Print the JSON Schema of pipeline definitions."`
}

type schemaDefinitionCmd struct{}

// Help implements kong.HelpProvider.
func (schemaDefinitionCmd) Help() string {
	return `Editors complete and check definitions by it. It needs no hub; a running one serves the same at /api/v1/schemas/definition.json.

Example:

    incidenthub schema definition > pipeline.schema.json`
}

// Run implements the command.
func (schemaDefinitionCmd) Run(p *Program) error {
	schema, err := orchestration.DefinitionSchema(orchestration.NodeKinds())
	if err != nil {
		return err
	}
	_, err = p.Out.Write(schema)
	return err
}
