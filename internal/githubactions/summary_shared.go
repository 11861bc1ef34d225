package githubactions

import (
	"fmt"
	"strings"

	"github.com/org/gorun-action/runner"
)

// maxTransfers bounds the transfers that are kept. A run has two for each store
// and direction.
const maxTransfers = maxListed

// moved reports whether a transfer brought something, or left something.
func moved(e runner.Transferred) bool {
	return e.Outcome == runner.TransferHit || e.Outcome == runner.TransferNear || e.Outcome == runner.TransferKept
}

// shared says what came from shared stores, what that saved, and what is kept
// there now.
func (s Summary) shared() string {
	var parts []string
	for _, e := range s.Transfers {
		parts = append(parts, s.transfer(e))
	}
	return strings.Join(parts, "; ")
}

// transfer is "restored the executable from `actions`: 12.3 MB in 0.4 s, saved
// about 41 s and 250 MB".
func (s Summary) transfer(e runner.Transferred) string {
	verb := "restored %s from %s"
	if e.Outcome == runner.TransferKept {
		verb = "kept %s in %s"
	}
	text := fmt.Sprintf(verb, entryWords(e.What), code(cut(e.Store, maxTitle)))
	text += fmt.Sprintf(": %s in %s", size(e.Bytes), duration(e.Took.Milliseconds()))
	if v := s.Result.Saving; v != nil && e.Op == "restore" && v.Store == e.Store && v.What == e.What {
		text += saved(*v)
	}
	return text
}

// entryWords says what an entry is to somebody who does not know of packs.
func entryWords(what string) string {
	if what == "pack" {
		return "a part of the build cache"
	}
	return "the executable"
}

// saved is what is known of it.
func saved(v runner.Saving) string {
	var parts []string
	if v.SavedMS > 0 {
		parts = append(parts, duration(v.SavedMS))
	}
	if v.SavedBytes > 0 {
		parts = append(parts, size(v.SavedBytes))
	}
	if len(parts) == 0 {
		return ""
	}
	return ", saved about " + strings.Join(parts, " and ")
}
