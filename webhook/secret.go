package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/dexetl/dexetl/extract/state"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A Secret is what an endpoint's events are signed with: whsec_ and base64.
type Secret = state.Secret

const (
	secretPrefix = "whsec_"
	secretBytes  = 32 // Standard Webhooks: 24 to 64
)

func newSecret() Secret {
	random := make([]byte, secretBytes)
	rand.Read(random) // never fails
	return Secret(secretPrefix + base64.StdEncoding.EncodeToString(random))
}

// A SecretError says that a text is no secret to sign with.
type SecretError struct{}

func (*SecretError) Error() string {
	return "a signing secret is whsec_ and 24 to 64 bytes in base64"
}

// checkSecret makes sure that others can sign with s.
func checkSecret(s Secret) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(s), secretPrefix))
	if err != nil || !strings.HasPrefix(string(s), secretPrefix) || len(key) < 24 || len(key) > 64 {
		return &SecretError{}
	}
	return nil
}

// A Sealer keeps secrets from whoever reads the state without the study's key.
type Sealer interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// signer signs with one secret.
func signer(s Secret) (*standardwebhooks.Webhook, error) {
	w, err := standardwebhooks.NewWebhook(string(s))
	if err != nil {
		return nil, &SecretError{} // the library's error may quote it
	}
	return w, nil
}
