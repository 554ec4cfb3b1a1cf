package schemas

import "fmt"

// forms are all forms.
func forms() []Form {
	return []Form{
		Version(), Init(), Doctor(), Error(), Simulate(),
		Participants(), Participant(), Added(), Import(), Paused(), Removed(), Closed(), Windows(), Exclusions(),
		Connected(), ConnectImport(), ConnectExport(), Grants(), PublicKey(), ConsentPages(), ConsentEvent(),
		Links(), Invite(), Invitations(), Revoked(),
		Plan(), Run(), Runs(), Status(), Withdraw(), Erase(), Absent(),
		Replay(), Snapshots(), Tag(), Tags(), TagDropped(), Collection(), Diff(), Verify(), Repair(), Query(), Metrics(), Export(), ExportNames(), ReportPages(), ReportRun(),
		Audit(), AuditVerify(), AuditHead(),
		Backup(), Restored(),
		KeyAdded(), Keys(), KeyRevoked(),
		Webhooks(), Webhook(), WebhookAdded(), WebhookTest(), WebhookDeliveries(), WebhookReplay(),
		Schemas(), Check(),
	}
}

func cliSchemas() (all []Schema) {
	for _, f := range forms() {
		all = append(all, f.about())
	}
	return all
}

func (f Form) about() Schema {
	return Schema{Group: "cli", Name: f.name, Title: f.Schema(), Comment: f.comment}
}

func cliDocuments() documents {
	all := documents{}
	for _, f := range forms() {
		all[f.about().path(JSONSchema)] = f.document()
	}
	return all
}

// document is f in JSON Schema.
func (f Form) document() object {
	named := part{"schema", shape{kind: "string", more: object{{"const", f.Schema()}}}, "this form and its version", ""}
	return append(object{
		{"$schema", schemaDialect},
		{"$id", fmt.Sprintf("urn:dexetl:schema:%d:cli:%s", f.version, f.name)},
		{"title", f.Schema()},
		{"description", f.comment},
		{"type", "object"},
	}, closed(append([]part{named}, f.parts...))...)
}
