package consent

import "github.com/dexetl/dexetl/extract/state"

// A Secret is a token, a code, or a link's token.
type Secret = state.Secret
