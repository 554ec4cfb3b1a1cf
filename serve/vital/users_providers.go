package vital

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
)

// A ProviderStatus is how it stands with an account.
type ProviderStatus struct {
	Provider
	CreatedOn            string                  `json:"created_on" format:"date-time"`
	Status               string                  `json:"status" enum:"connected,error"`
	ExternalUserID       *string                 `json:"external_user_id" doc:"Always null: Dexcom's ids stay in the raw log"`
	ErrorDetails         *ErrorDetails           `json:"error_details"`
	ResourceAvailability map[string]Availability `json:"resource_availability"`
}

// ErrorDetails say what is wrong with an account.
type ErrorDetails struct {
	ErrorType    string `json:"error_type"`
	ErrorMessage string `json:"error_message"`
	ErroredAt    string `json:"errored_at" format:"date-time"`
}

// Availability is whether a resource is asked for: none is of who is paused, or before and
// after their time in the study.
type Availability struct {
	Status            string  `json:"status" enum:"available,unavailable"`
	ScopeRequirements *string `json:"scope_requirements" doc:"Always null"`
}

type userProvidersOutput struct {
	Body map[string][]ProviderStatus
}

func (u Users) providers(ctx context.Context, in *userInput) (*userProvidersOutput, error) {
	who, err := u.API.Person(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	out := &userProvidersOutput{map[string][]ProviderStatus{"providers": {}}}
	p, err := u.API.Study.Known(ctx, who)
	if err == nil && p.HasGrant() {
		out.Body["providers"] = []ProviderStatus{statusOf(p, u.API.Study.Config.Sync.Resources)}
	}
	return out, err
}

func statusOf(p study.Person, asked []string) ProviderStatus {
	c := p.Connection()
	s := ProviderStatus{Provider: dexcom(), CreatedOn: utc(c.CreatedAt), Status: "connected", ResourceAvailability: map[string]Availability{}}
	if s.ErrorDetails = errorOf(p); s.ErrorDetails != nil {
		s.Status = "error"
	}
	for _, r := range resources() {
		of := "events"
		if r.kind == "egvs" {
			of = r.kind
		}
		available := "unavailable"
		if slices.Contains(asked, of) && s.Status == "connected" && isAsked(p) {
			available = "available"
		}
		s.ResourceAvailability[r.name] = Availability{Status: available}
	}
	return s
}

// errorOf is what keeps the grant of a person from being used; nil for nothing. A refusal
// that is tried again is a doubt, and no error.
func errorOf(p study.Person) *ErrorDetails {
	c := p.Connection()
	at := func(t time.Time) string {
		if t.IsZero() {
			t = c.GrantedAt
		}
		return utc(t)
	}
	switch {
	case c.Status == consent.NeedsReconsent:
		return &ErrorDetails{"token_refresh_failed", "Dexcom no longer accepts the consent: the person has to consent again", at(c.RefusedAt)}
	case c.Status == consent.Exported:
		return &ErrorDetails{"deregistered_per_provider", "another machine has the grant", at(c.RenewedAt)}
	case p.Strayed():
		return &ErrorDetails{"provider_credential_error", "an answer was another account's: the study team has to find out whose it is", at(p.Aside().StrayedAt)}
	case p.Edited != nil:
		return &ErrorDetails{"unknown", "the study team has to look at the state of the server", at(c.RenewedAt)}
	}
	return nil
}

// A UserDevice is what readings come by.
type UserDevice struct {
	ID                 string  `json:"id" format:"uuid"`
	UserID             string  `json:"user_id" format:"uuid"`
	Provider           string  `json:"provider"`
	SourceType         string  `json:"source_type"`
	AppID              *string `json:"app_id"`
	DeviceManufacturer *string `json:"device_manufacturer"`
	DeviceModel        *string `json:"device_model" doc:"Generation of the transmitter"`
	DeviceVersion      *string `json:"device_version"`
	DeviceID           *string `json:"device_id" doc:"Always null: it would tell a device from others"`
}

type devicesOutput struct {
	Snapshot string `header:"X-Snapshot" doc:"Number of the snapshot; absent where nothing was loaded yet"`
	Body     []UserDevice
}

func (u Users) devices(ctx context.Context, in *userInput) (*devicesOutput, error) {
	devices, snapshot, err := u.devicesOf(ctx, in.UserID)
	return &devicesOutput{snapshot, devices}, err
}

type deviceInput struct {
	UserID   uuid.UUID `path:"user_id" format:"uuid"`
	DeviceID uuid.UUID `path:"device_id" format:"uuid"`
}

type deviceOutput struct {
	Snapshot string `header:"X-Snapshot" doc:"Number of the snapshot"`
	Body     UserDevice
}

func (u Users) device(ctx context.Context, in *deviceInput) (*deviceOutput, error) {
	devices, snapshot, err := u.devicesOf(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(devices, func(d UserDevice) bool { return d.ID == in.DeviceID.String() })
	if at < 0 {
		return nil, api.Refusal(http.StatusNotFound, "there is no such device")
	}
	return &deviceOutput{snapshot, devices[at]}, nil
}

// devicesOf are the devices of somebody, and the snapshot that has them, "" for none.
func (u Users) devicesOf(ctx context.Context, user uuid.UUID) (out []UserDevice, snapshot string, err error) {
	who, err := u.API.Person(ctx, user)
	if err != nil {
		return nil, "", err
	}
	maker := providerName
	f, err := u.Reader.Newest()
	if is[*study.EmptyLakeError](err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	devices, err := f.Devices(ctx, who.ID)
	if err := cmp.Or(err, shown(ctx, f, who.ID)); err != nil {
		return nil, "", err
	}
	for _, d := range devices {
		out = append(out, UserDevice{
			ID:     uuid.NewSHA1(user, []byte(d.Generation+"\x00"+d.Display+"\x00"+d.App)).String(),
			UserID: user.String(), Provider: providerSlug, SourceType: "automatic",
			AppID: textOrNull(d.App), DeviceManufacturer: &maker, DeviceModel: textOrNull(d.Generation), DeviceVersion: textOrNull(d.Display),
		})
	}
	return out, f.Name(), nil
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
