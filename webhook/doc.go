// Package webhook tells other programs what happens in a study: an HTTP POST for each
// event, signed as Standard Webhooks 1.0.0 says, in the forms that Vital's clients read.
//
// An Endpoint is where events go, and what it may see. The Outbox holds events until
// every endpoint has them. An event's id is made of what it is about, so the same event
// is put in once, however often somebody starts to put it in. A Deliverer sends what
// waits: at least once, and to one endpoint the events of one participant one after the
// other. What fails is tried again for hours, in this process or the next.
//
// Nothing here knows the lake. Whoever fills the outbox says what happened.
package webhook
