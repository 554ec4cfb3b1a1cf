package schemas

// oauthPaths are login and token under both prefixes.
func oauthPaths() (paths object) {
	for _, prefix := range []string{"v2", "v3"} {
		paths = append(paths,
			member{"/" + prefix + "/oauth2/login", object{{"get", login(prefix)}}},
			member{"/" + prefix + "/oauth2/token", object{{"post", token(prefix)}}})
	}
	return paths
}

func login(prefix string) object {
	text := object{{"type", "string"}}
	parameter := func(name, description string, required bool, schema object) object {
		return object{{"name", name}, {"in", "query"}, {"required", required}, {"description", description}, {"schema", schema}}
	}
	only := func(value string) object { return object{{"type", "string"}, {"const", value}} }
	return object{
		{"operationId", prefix + "Login"},
		{"tags", []string{"OAuth"}},
		{"summary", "The page on which the user signs in and consents, for the user's browser"},
		{"security", []object{}},
		{"parameters", []object{
			parameter("client_id", "Id of the app.", true, text),
			parameter("redirect_uri", "Where the browser goes back to; one that is registered for the app.", true, object{{"type", "string"}, {"format", "uri"}}),
			parameter("response_type", "Always code.", true, only("code")),
			parameter("scope", "Always offline_access.", true, only("offline_access")),
			parameter("state", "Comes back as it was sent.", false, text),
		}},
		{"responses", object{
			{"200", object{{"description", "The page"}, {"content", object{{"text/html", object{{"schema", text}}}}}}},
			{"302", object{
				{"description", "Back to redirect_uri, with code and state, or with error=access_denied. A code works once and not for long."},
				{"headers", object{{"Location", object{{"schema", object{{"type", "string"}, {"format", "uri"}}}}}}},
			}},
		}},
	}
}

func token(prefix string) object {
	problem := object{{"description", "400 by the rules of OAuth, 401 where the app is not known. Which status comes with which error is not documented."},
		{"content", object{{"application/json", object{{"schema", tokenError()}}}}}}
	return object{
		{"operationId", prefix + "Token"},
		{"tags", []string{"OAuth"}},
		{"summary", "Tokens for a code, or new tokens for a refresh token, which is then used up"},
		{"security", []object{}},
		{"requestBody", object{{"required", true}, {"content", holding("application/x-www-form-urlencoded", "TokenRequest")}}},
		{"responses", append(object{
			{"200", object{{"description", "A pair of tokens"}, {"content", holding("application/json", "TokenResponse")}}},
			{"400", problem},
			{"401", problem},
		}, refused("429", "5XX")...)},
	}
}

// tokenError is the one body of an error that is documented.
func tokenError() object {
	return object{
		{"type", "object"},
		{"properties", object{
			{"error", object{{"type", "string"}, {"examples", []string{
				"invalid_client", "invalid_grant", "invalid_request", "unauthorized_client", "unsupported_grant_type",
			}}}},
			{"error_description", object{{"type", "string"}}},
		}},
		{"required", []string{"error"}},
	}
}
