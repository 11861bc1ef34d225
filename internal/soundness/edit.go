package soundness

import (
	"slices"
	"strings"
)

// edit is one way to change a state. apply returns false where it has no
// meaning, which costs nothing.
type edit struct {
	kind   string // as in the table of results
	inputs string // numbers of the inputs (package comment)
	name   string
	apply  func(*state) bool
	// neutral says that nothing changes for the build.
	neutral bool
	// hidden says that the go command's own cache does not see the edit: a
	// fresh one is asked.
	hidden bool
	// costly says that the standard library is compiled again: the go command
	// is asked only when it has to be.
	costly bool
	// weight is how often it is taken, 1 when it is 0.
	weight int
}

// edits are all kinds, the neutral ones included.
func edits() []edit {
	return slices.Concat(
		contentEdits(), listingEdits(), linkEdits(), constraintEdits(), embedEdits(), moduleEdits(),
		absenceEdits(), shadowEdits(), overlayEdits(), profileEdits(), flagEdits(), environmentEdits(),
		placeEdits(), mountEdits(), spellingEdits(), settingsEdits(), cEdits(), neutralEdits(),
	)
}

// of returns the edits of a kind.
func of(kind string, all []edit) []edit {
	return slices.DeleteFunc(slices.Clone(all), func(e edit) bool { return e.kind != kind })
}

// choose picks an edit by weight. One in ten is neutral.
func (s *state) choose(all []edit) edit {
	neutral := s.rnd.IntN(10) == 0 && all[0].kind != all[len(all)-1].kind
	total := 0
	for _, e := range all {
		if e.neutral == neutral {
			total += max(e.weight, 1)
		}
	}
	at := s.rnd.IntN(total)
	for _, e := range all {
		if e.neutral == neutral {
			if at -= max(e.weight, 1); at < 0 {
				return e
			}
		}
	}
	return all[0]
}

// rewrite makes an edit of the content that change returns for a file.
func rewrite(pick func(*state) string, change func(*state, string) (string, bool)) func(*state) bool {
	return func(s *state) bool {
		rel := pick(s)
		if rel == "" {
			return false
		}
		text, ok := change(s, rel)
		return ok && s.write(rel, text)
	}
}

func anyOf(extensions ...string) func(*state) string {
	return func(s *state) string { return s.file(extensions...) }
}

func replaceOnce(text, from, to string) string { return strings.Replace(text, from, to, 1) }
