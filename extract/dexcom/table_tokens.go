package dexcom

import "math"

// The token endpoint is for package consent, which takes far looser answers: these
// types only describe it.

// maxToken is more than a token has, which may be a signed document.
const maxToken = 16 << 10

func tokenTypes() []Type {
	return []Type{
		{Name: "token-request", Title: "Token Request", Fields: tokenRequest(),
			Comment: "What is sent to the token endpoint, as a form: a code or a refresh token."},
		{Name: "token-response", Title: "Token Response", Fields: tokenResponse(),
			Comment: "What the token endpoint grants. A refresh token is to be used once: each answer has the next one."},
	}
}

func tokenRequest() []Field {
	return []Field{
		{Name: "client_id", Kind: IsText, Required: true, Min: 1,
			Comment:  "The app's id.",
			Evidence: "documented, required; 32 characters, by clients",
			Example:  `"hB3pXq7TzL0vWn5RkY2sDf8cJm6gUa1e"`},
		{Name: "client_secret", Kind: IsText, Required: true, Min: 1,
			Comment:  "The app's secret.",
			Evidence: "documented, required; 16 characters, by clients",
			Example:  `"Zk4wQ9rT2mVx7LbP"`},
		{Name: "grant_type", Kind: IsEnum, Of: grantType.Name, Required: true,
			Comment:  "What is exchanged: a code or a refresh token.",
			Evidence: "documented, required",
			Example:  grantType.Example},
		{Name: "code", Kind: IsText, Min: 1, Max: maxToken,
			Comment:  "The code that the browser brought back, good once and soon stale. Absent when a token is refreshed.",
			Evidence: "documented, for authorization_code"},
		{Name: "refresh_token", Kind: IsText, Min: 1, Max: maxToken,
			Comment:  "The refresh token of the last answer. Absent when a code is exchanged.",
			Evidence: "documented, for refresh_token",
			Example:  `"7f1c0a9e5b3d4826a1f0c7e94d2b6385"`},
		{Name: "redirect_uri", Kind: IsText, Min: 1, Max: maxToken,
			Comment:  "The address of the login request, exactly as registered. Absent when a token is refreshed, though older clients send it.",
			Evidence: "documented, for authorization_code"},
	}
}

func tokenResponse() []Field {
	return []Field{
		{Name: "access_token", Kind: IsText, Required: true, Min: 1, Max: maxToken,
			Comment:  "What opens the data endpoints. It means nothing to a client.",
			Evidence: "documented; in Dexcom's sample",
			Example:  `"c2f04e6b81d94a7790b35ad1e8f6c723"`},
		{Name: "expires_in", Kind: IsWhole, Required: true, Max: math.MaxInt32, Unit: "s",
			Comment:  "How long the access token is good.",
			Evidence: "documented as milliseconds; 7200 in Dexcom's sample, and every client reads seconds",
			Example:  "7200"},
		{Name: "token_type", Kind: IsText, Required: true,
			Comment:  "Bearer.",
			Evidence: "documented; in Dexcom's sample",
			Example:  `"Bearer"`},
		{Name: "refresh_token", Kind: IsText, Required: true, Min: 1, Max: maxToken,
			Comment:  "What brings the next pair of tokens.",
			Evidence: "documented; in Dexcom's sample",
			Example:  `"e90b4d3c72a14f568d1e07b6f2c9a485"`},
		{Name: "refresh_expires_in", Kind: IsWhole, Max: math.MaxInt32, Unit: "s",
			Comment:  "How long the refresh token is good; 0, as far as is known, is without end. Absent: not told.",
			Evidence: "0 in Dexcom's sample",
			Example:  "0"},
		{Name: "not-before-policy", Kind: IsNote,
			Comment:  "Of the server that Dexcom uses; it means nothing to a client.",
			Evidence: "the text 1726871301, with a comma in Dexcom's sample; such servers send a number",
			Example:  `"1726871301,"`},
		{Name: "session_state", Kind: IsText,
			Comment:  "Of the server that Dexcom uses; it means nothing to a client.",
			Evidence: "a UUID in Dexcom's sample",
			Example:  `"65a415bf-25ad-4e0a-8381-1b78db6a8ea7"`},
	}
}
