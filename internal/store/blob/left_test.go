package blob_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
)

// The time that the last bytes of an upload are granted to leave this machine
// does not come on top of what faults may waste together.
func TestTransportGrantsWithinBudget(t *testing.T) {
	url, conns := raw(t, until)
	c, _ := newClient(t, blob.TransportOptions{Stall: 200 * time.Millisecond, Floor: 1 << 10, Budget: blob.NewBudget(time.Second)})
	began := time.Now()
	resp, err := c.Post(url, "", bytes.NewReader(make([]byte, 100<<10))) // 100 s at the floor
	if err == nil {
		resp.Body.Close()
		t.Fatal("a server that says nothing answered")
	}
	if took := time.Since(began); took > most || conns.Load() == 0 {
		t.Errorf("it took %s and %d attempts: %v", took, conns.Load(), err)
	}
}
