package schemas

import "github.com/dexetl/dexetl/extract/dexcom"

// openAPI describes the whole API in OpenAPI 3.1, whose schemas are JSON Schema 2020-12.
func openAPI(all catalogue) object {
	j := jsonSchema{componentOf, all}
	var components object
	for _, t := range all {
		components = append(components, member{identifier(t), j.schema(t)})
	}
	return object{
		{"openapi", "3.1.1"},
		{"info", object{
			{"title", "Dexcom Developer API v3"},
			{"version", "1"},
			{"summary", "What Dexcom documents and what it was seen to send."},
			{"description", "Not by Dexcom. Every property says what it means and where that was seen. " +
				"Answers may be packed with gzip. An app may make 60,000 calls an hour, for all its users together."},
		}},
		{"servers", servers()},
		{"tags", []object{
			{{"name", "OAuth"}, {"description", "Consent and tokens. The paths under /v2 and /v3 do the same: most clients use /v2, the newest description by Dexcom has /v3."}},
			{{"name", "Data"}, {"description", "Records of one user, whom the access token names."}},
		}},
		{"security", []object{{{"oauth", []string{"offline_access"}}}}},
		{"paths", append(oauthPaths(), dataPaths()...)},
		{"components", object{
			{"schemas", components},
			{"parameters", windowParameters()},
			{"responses", refusals()},
			{"securitySchemes", object{{"oauth", security()}}},
		}},
	}
}

func componentOf(t dexcom.Type) string { return "#/components/schemas/" + identifier(t) }

// inComponents is a reference to what is called name in a part of the components.
func inComponents(part, name string) object {
	return object{{"$ref", "#/components/" + part + "/" + name}}
}

func servers() []object {
	return []object{
		{{"url", "https://api.dexcom.com"}, {"description", "Production, United States"}},
		{{"url", "https://api.dexcom.eu"}, {"description", "Production, outside of the United States and Japan"}},
		{{"url", "https://api.dexcom.jp"}, {"description", "Production, Japan"}},
		{{"url", "https://sandbox-api.dexcom.com"}, {"description", "Sandbox: simulated users, for all regions"}},
	}
}

func security() object {
	return object{
		{"type", "oauth2"},
		{"description", "The access token goes into the header Authorization, behind Bearer. Each region has its own servers."},
		{"flows", object{{"authorizationCode", object{
			{"authorizationUrl", "https://api.dexcom.com/v2/oauth2/login"},
			{"tokenUrl", "https://api.dexcom.com/v2/oauth2/token"},
			{"refreshUrl", "https://api.dexcom.com/v2/oauth2/token"},
			{"scopes", object{{"offline_access", "Read all data of the user, until the user takes that back. It is the only scope."}}},
		}}}},
	}
}

// holding is a body of JSON, or of another kind, that a type describes.
func holding(kind, typeName string) object {
	return object{{kind, object{{"schema", inComponents("schemas", typeName)}}}}
}
