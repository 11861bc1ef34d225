package runner

import (
	"context"
	"os"
	"syscall"
	"testing"
)

// A signal that comes when the phase that it would end is just over either
// ends the run or is left for the program.
func TestNoSignalIsLost(t *testing.T) {
	kept, told := 0, 0
	for i := range 10_000 {
		signals := make(chan os.Signal, 1)
		r := &run{spec: Spec{Signals: signals}}
		ctx, stop := r.cancelOnSignal(t.Context())
		signals <- syscall.SIGTERM
		if i%2 == 0 { // else nobody may have taken it yet
			<-ctx.Done()
		}
		cause := stop()
		switch {
		case cause == nil && len(signals) == 1 && r.cancelled == nil:
			kept++
		case cause != nil && len(signals) == 0 && r.cancelled == syscall.SIGTERM:
			told++
		default:
			t.Fatalf("cause %v, %d left, cancelled by %v", cause, len(signals), r.cancelled)
		}
		if again := stop(); again != cause || context.Cause(ctx) == nil {
			t.Fatalf("stopped again: %v, not %v", again, cause)
		}
	}
	t.Logf("%d left for the program, %d told", kept, told)
}
