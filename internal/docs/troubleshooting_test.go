package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// message is a heading that quotes what gorun prints.
var message = regexp.MustCompile("(?m)^### `(.+)`$")

// TestTroubleshooting makes sure that gorun's source has every message that is
// explained: each piece between the dots, as it is or in a pattern.
func TestTroubleshooting(t *testing.T) {
	found := message.FindAllStringSubmatch(read(t, "docs/troubleshooting.md"), -1)
	if len(found) < 20 {
		t.Errorf("only %d messages were found", len(found))
	}
	source := printed(t)
	for _, m := range found {
		for piece := range strings.SplitSeq(m[1], "…") {
			if piece = strings.Trim(piece, " ,"); piece != "" && !strings.Contains(source, piece) {
				t.Errorf("%q is explained, and nothing prints %q", m[1], piece)
			}
		}
	}
}

// printed is what the programs are made of, without the escapes of strings and
// patterns.
func printed(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	sources(t, func(path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	})
	return strings.ReplaceAll(all.String(), `\`, "")
}
