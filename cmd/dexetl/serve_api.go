package main

import (
	"context"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/serve/tables"
	"github.com/dexetl/dexetl/serve/vital"
	"github.com/dexetl/dexetl/study"
)

// api is the API with all its routes.
func (v *service) api() *api.API {
	a := api.New(api.Service{
		Study: v.study, Keys: access.Keys{Store: v.study.Store}, Identities: access.Identities{Store: v.study.Store},
		Version: version(), Now: v.p.now, Log: v.log, Observe: v.metrics.Request,
	})
	vital.Users{API: a, Reader: v.reader, Refresh: v.refreshNow}.Register()
	vital.Linking{API: a, Linker: &study.Linker{Study: v.study}, Listen: v.addr}.Register()
	vital.Introspection{API: a, Reader: v.reader}.Register()
	vital.Timeseries{API: a, Reader: v.reader}.Register()
	(&tables.Tables{API: a, Reader: v.reader, Status: func(ctx context.Context, people []cohort.Participant) (map[string]any, error) {
		return v.statusJSON(ctx, people, a.Blinded(ctx))
	}}).Register()
	vital.Management{API: a, Endpoints: v.p.endpoints(v.study), Begin: v.p.newsOf(v.study).Begin}.Register()
	return a
}

// statusJSON is what dexetl status --json says of participants, blinded without what a
// blinded study hides.
func (v *service) statusJSON(ctx context.Context, people []cohort.Participant, blinded bool) (map[string]any, error) {
	persons, harm := v.study.People(ctx, people)
	if err := study.UnlessData(harm); err != nil {
		return nil, err
	}
	line := func(words ...string) string { return plain.ShellLine(dexetl(words...)) } // where the study lies is nobody's concern
	r, err := statusOf(ctx, v.study, byUrgency(persons), blinded, line)
	if api.KeyOf(ctx).Rights.Cohort != "" {
		r.webhooks.Rows = nil // they are the study's
	}
	return schemas.Status().Object(r.values()...), err
}
