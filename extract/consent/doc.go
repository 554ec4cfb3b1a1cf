// Package consent turns a person's consent into access tokens, and keeps it.
//
// # Connecting
//
// Begin stores a fresh 256-bit state and returns the URL that the person
// opens. The browser comes back to the redirect URI, where a Callback listens,
// or the address is pasted into Finish. The state is used up, the code is
// exchanged once, the tokens are kept, and then the account is looked at
// (Verify): its userId, as a keyed hash, decides whose connection this is; one
// account is never two participants at once. Another account than before, or one
// that is or was another participant's, waits aside until a Change confirms it.
// Import takes over refresh tokens that exist already; their accounts are looked
// at on first use.
//
// # Another browser
//
// A consent belongs to the browser that began it, by a cookie. Arrive takes what
// another one brings as unconfirmed: the code is exchanged, the answer kept,
// sealed, and marked, the account looked at once, and a Question asked. Answer with
// yes makes an ordinary answer of it, which is used as any other and which Recover
// finishes; without, and after 15 minutes, it is destroyed. Until then nothing
// else sees it. A consent that was begun at the terminal is of no browser that is
// known; fits says where that does no harm.
//
// # Refreshing
//
// Losing a refresh token means that a person must consent again, so a token
// that we received is a token saved, and none is spent twice because of us.
// Token and Renew keep this order, and nothing else spends a token:
//
//  1. lease the connection, across processes, and finish what a crash left;
//  2. read again: somebody may have refreshed meanwhile;
//  3. commit the intent to spend the token, which proves that we can write, and
//     hold room for the answer in reserve;
//  4. one POST: no retry, no redirect, no kept connection, not cancelled, and its
//     first byte only while the lease is still ours;
//  5. commit the answer, sealed, as received, before it is parsed;
//  6. parse, and commit the new pair by compare-and-swap on the hash of the
//     old token; the old pair stays beside it until the new one was spent well
//     (for repair by hand: a strict server takes its second use for theft);
//  7. use it.
//
// Recover, called at start, completes what a crash interrupted: an answer
// without commit is finished without asking anybody; an intent without answer
// means that nobody knows whether the token was spent, so the stored token is
// tried once.
//
// # Refusals
//
// A refused token is no proof of withdrawal, in whichever words it is refused: the
// connection becomes auth_suspect and is tried again. invalid_grant is believed the
// fifth time, after 2, 4, 8 and 16 hours. A refusal in any words is believed once it
// has lasted for 36 hours while others with the same app are renewed, or for 72
// where nobody else was due. Then the person needs a new consent. One good answer
// ends all doubt. What is not the person's fault (wrong client secret, everybody
// refused, a server that fails, no connection) never counts against the connection.
//
// # Other accounts
//
// Same compares the account of any answer with the connection's. SetAside takes the
// grant of a connection out of use through which another account answered; to
// confirm it is Verify's with a Change.
//
// # Owners
//
// Every row that says whose data an answer becomes is sealed with the key: package
// state keeps the seals, and here a pair that was opened is held against the hashes of
// its row. A row that is not as it was written is an *OwnerError of its
// participant. Nothing of it is used, and no token is tried for it.
//
// # Moving
//
// Export seals grants for another machine and ends their use here, Open takes
// them over; docs/secrets.md has the order of steps.
//
// # Secrets
//
// Tokens are sealed with an age key from a file that only its owner can read.
// No token, code or userId is in any error or log line.
package consent
