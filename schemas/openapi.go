package schemas

import (
	"strings"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// openAPI describes the whole API in OpenAPI 3.1, whose schemas are JSON Schema 2020-12:
// on these servers, the first of which gives consent and tokens.
func openAPI(all catalogue, servers []server) object {
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
		{"servers", servers},
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
			{"securitySchemes", object{{"oauth", security(strings.TrimSuffix(servers[0].URL, "/"))}}},
		}},
	}
}

func componentOf(t dexcom.Type) string { return "#/components/schemas/" + identifier(t) }

// inComponents is a reference to what is called name in a part of the components.
func inComponents(part, name string) object {
	return object{{"$ref", "#/components/" + part + "/" + name}}
}

// A server is one that has the API.
type server struct {
	URL         string `json:"url"`
	Description string `json:"description"`
}

func dexcomServers() []server {
	return []server{
		{"https://api.dexcom.com", "Production, United States"},
		{"https://api.dexcom.eu", "Production, outside of the United States and Japan"},
		{"https://api.dexcom.jp", "Production, Japan"},
		{"https://sandbox-api.dexcom.com", "Sandbox: simulated users, for all regions"},
	}
}

// ServedOpenAPI is OpenAPI of a server that serves it itself: no program which reads it
// there asks Dexcom.
func ServedOpenAPI() []byte {
	text, _ := document(openAPI(dexcom.Types(), []server{{"/", "The server that has this document"}}))
	return text
}

func security(base string) object {
	return object{
		{"type", "oauth2"},
		{"description", "The access token goes into the header Authorization, behind Bearer. Each region has its own servers."},
		{"flows", object{{"authorizationCode", object{
			{"authorizationUrl", base + "/v2/oauth2/login"},
			{"tokenUrl", base + "/v2/oauth2/token"},
			{"refreshUrl", base + "/v2/oauth2/token"},
			{"scopes", object{{"offline_access", "Read all data of the user, until the user takes that back. It is the only scope."}}},
		}}}},
	}
}

// holding is a body of JSON, or of another kind, that a type describes.
func holding(kind, typeName string) object {
	return object{{kind, object{{"schema", inComponents("schemas", typeName)}}}}
}
