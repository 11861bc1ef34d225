package lib

import "testing"

// TestAnswer is number 10.
func TestAnswer(t *testing.T) {
	if Answer() == "" {
		t.Error("no answer")
	}
}
