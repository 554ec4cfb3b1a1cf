// Package dexcom says what the Dexcom Developer API v3 says: its endpoints,
// its records as they travel, its odd times, its errors. It judges nothing;
// what a value means is transform's business.
//
// # Asking
//
// A [Client] sends one [Request] and returns one [Answer], without retry and
// without ever following a redirect. A body is an answer only if the status is
// 200 and the body is JSON, complete, within the limits of size, and in the
// envelope of its endpoint; all else is a [StatusError] or a [BodyError] and
// never means "no data". A 204 for a window is handed on as what it is
// ([Answer.NoContent]), for the caller to hold against dataRange. The body stays as received (the client asks for gzip
// itself, else net/http would unpack it on the way), because it is what the
// raw log keeps.
//
// # Reading
//
// [Records] yields the records of a plain body, one generic mechanism for all
// five kinds, straight from a token stream and without copying: texts, numbers
// and raw values are slices of the body, so they live as long as it does and
// must not be changed. [ParseRanges] reads the sixth endpoint.
//
// Tokens as plain as nearly all of them are read here, and the JSON decoder is left
// behind; where one is not, or is wrong, the decoder catches up and decides. So what
// is JSON, and what is told of what is none, is the decoder's word alone.
//
// The reader goes by the tables of table_*.go, one for each type of object: a row has a
// [Field], which says all there is to say of it, and where its value goes. [Types] hands
// out the same, with the enums, for those who describe the API: there is no second list
// of Dexcom's names or values. To add a field is to add a row, and a place in the struct.
//
// Types say what Dexcom sends. Reading takes more, where the API was seen to be loose:
// null and absent are one, numbers come as text and texts as numbers, times in every
// shape of [ParseTime], names with a capital first letter. What it does not know it
// keeps ([Meta.Extra]); what it cannot read it names ([Meta.Faults]), and the
// next record goes on. Only broken JSON ends a page.
package dexcom
