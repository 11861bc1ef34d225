package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the security pages say ends, claim by claim, in a comment that names the
// tests that hold it. A limit is what gorun does not do, a fact is somebody
// else's, and advice is for the reader.
var (
	proof     = regexp.MustCompile(`<!--([^>]*)-->`)
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	noTests   = []string{"limit", "fact", "advice"}
	proofLast = regexp.MustCompile(`<!--[^>]*-->(?: \|)?$`)
)

func TestSecurityClaimsAreTested(t *testing.T) {
	tests := testNames(t)
	for _, page := range []string{"SECURITY.md", "docs/security.md"} {
		proofs := 0
		for _, block := range blocks(read(t, page)) {
			if !proofLast.MatchString(block) && !strings.HasSuffix(block, ":") { // what a list begins with
				t.Errorf("%s: what holds this?\n%s", page, block)
			}
			for _, p := range proof.FindAllStringSubmatch(block, -1) {
				for _, name := range strings.Fields(p[1]) {
					if proofs++; !tests[name] && !slices.Contains(noTests, name) {
						t.Errorf("%s: there is no test %s, for\n%s", page, name, block)
					}
				}
			}
		}
		if proofs < 20 {
			t.Errorf("%s: %d proofs", page, proofs)
		}
	}
}

// blocks are the paragraphs, list items and rows of a page that say something.
func blocks(page string) (list []string) {
	open := false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		isRow, isItem := strings.HasPrefix(line, "|"), strings.HasPrefix(line, "- ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			open = false
		case isRow && (!open || strings.HasPrefix(line, "|---")): // the head of a table
			open = true
		case isRow || isItem || !open:
			list, open = append(list, line), true
		default:
			list[len(list)-1] += " " + line
		}
	}
	return list
}

func testNames(t *testing.T) map[string]bool {
	names := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
			return err
		}
		data, err := os.ReadFile(path)
		for _, m := range testFunc.FindAllStringSubmatch(string(data), -1) {
			names[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
