package session

// For tests: an identity that is made, and judged, at a time of theirs.
var (
	NewIdentity = (*Sessions).newIdentity
	IsIdentity  = (*Sessions).isIdentity
)
