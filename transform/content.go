package transform

// NotContent returns the columns that say how a row came here, not what the
// API said: all others are its content. Two rows of one key with equal content
// are the same record received twice.
//
// Devices and alert_settings compare content_hash instead.
func NotContent() []string {
	return []string{"connection_id", "request_id", "first_seen_at", "vanished_at"}
}
