package vital

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/serve/api"
)

const providerName = "Dexcom"

// A Provider is where data come from: there is one.
type Provider struct {
	Name string `json:"name"`
	Slug string `json:"slug"`
	Logo string `json:"logo" doc:"Always empty: logos are their owners'"`
}

func dexcom() Provider { return Provider{Name: providerName, Slug: providerSlug} }

type resource struct{ name, kind string }

// resources are Vital's, and the kind of records that they are made of.
func resources() []resource {
	return []resource{
		{"glucose", "egvs"}, {"insulin_injection", "insulin"}, {"carbohydrates", "carbs"}, {"workout_duration", "exercise"}, {"note", "notes"},
	}
}

// A SupportedProvider is one with what it has.
type SupportedProvider struct {
	Provider
	Description        string   `json:"description"`
	AuthType           string   `json:"auth_type" enum:"oauth"`
	SupportedResources []string `json:"supported_resources"`
}

const providerDescription = "Continuous glucose monitors, by the Dexcom Developer API v3"

type providersInput struct {
	SourceType string `query:"source_type" doc:"Not looked at: there is one provider"`
}

type providersOutput struct{ Body []SupportedProvider }

func registerProviders(a *api.API) {
	op := huma.Operation{OperationID: "providers", Method: http.MethodGet, Path: "/v2/providers", Summary: "Where data come from", Tags: []string{"providers"}}
	api.Register(a, op, api.Needs{Scope: access.Read}, func(context.Context, *providersInput) (*providersOutput, error) {
		one := SupportedProvider{Provider: dexcom(), Description: providerDescription, AuthType: "oauth"}
		for _, r := range resources() {
			one.SupportedResources = append(one.SupportedResources, r.name)
		}
		return &providersOutput{[]SupportedProvider{one}}, nil
	})
}
