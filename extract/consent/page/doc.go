// Package page is the small web site behind the links that participants get:
// what the study reads and how to stop it, one button to Dexcom's login, and
// how it ended.
//
// # Routes
//
// All lie below the path of the public URL.
//
//	GET  /i/TOKEN      the landing page; it changes nothing but when the link was opened first
//	POST /i/TOKEN      begins a consent and goes to Dexcom's login
//	GET  REDIRECT URI  finishes the consent and goes to
//	GET  /done/HOW     connected, denied, refused, later or call: pages that say the same to everybody
//
// Where another browser comes back than the one that began, it goes to
//
//	GET  REDIRECT URI  without a query: asks whose account it is
//	POST REDIRECT URI  the answer; without a yes what Dexcom sent is destroyed
//
// A link that a program made for somebody who is in it leads back to the program in the end,
// where that is listed, with the outcome in the address (see outcome).
//
// So the code that Dexcom sends stays neither in the address bar nor in the
// history, and a page that is loaded again does nothing again.
//
// # What protects people
//
// A token is 256 random bits; whoever has it may connect and learns nothing
// but the study's name and dates. A cookie tells the browser from others. The
// button proves with a token made of link and cookie that it was pressed on our
// page in this browser, and what comes back from Dexcom by a state that works
// once, belongs to the link, and to the browser. Programs that look at links in mails
// send GET or HEAD, which use nothing up. Pages have no script, load nothing
// from anywhere, name no participant, are never cached, and say nothing that
// differs between participants but their dates. Events, the operator's side,
// name participants and never a token.
//
// A link begins ten consents an hour, and an address asks for a page a second;
// what is beyond that, or comes from nowhere, writes nothing, and tells the
// operator a line a second.
//
// The server speaks plain HTTP: TLS ends at a proxy in front of it. No header
// of a proxy is needed, and none trusted but the one that is configured to say
// for whom the proxy asks.
package page
