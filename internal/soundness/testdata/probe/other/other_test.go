package other

import "testing"

// TestText is number 10.
func TestText(t *testing.T) {
	if Text == "" {
		t.Error("no text")
	}
}
