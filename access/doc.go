// Package access says who may use the API of a study, and by which ids the API knows
// the study and its people.
//
// A key is a random secret with Rights. It is shown once, when it is made; what is
// stored is its SHA-256, which says nothing of a secret of 190 random bits. Add and
// Revoke are in the audit trail by the key's name, so a name is never given twice. A
// key that was revoked is refused from then on, in every process.
//
// Identities are random UUIDs, made at their first use and kept: clients of other
// systems want ids of this form, and a participant's pseudonym cannot be computed from
// them.
package access
