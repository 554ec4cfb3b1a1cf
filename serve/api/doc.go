// Package api is the frame of the HTTP API: who may ask for what, how much, and what a
// refusal looks like. The routes themselves are in the packages beside it, which hand
// each to Register.
//
//	Service   what the routes work with
//	Register  adds a route, with what its caller Needs
//	Handler   answers requests: key, rights, limits, errors, access log, /openapi.json
//	Cursor    where the next page of a list begins
//
// There are two forms of refusals. Below /v2/, and below /v1/org/, a refusal is what
// clients of Vital know: {"detail": …}. Elsewhere it is a problem of RFC 9457.
// A participant whom a key may not see does not exist for it: the answer is the one for
// an id that nobody has.
package api
