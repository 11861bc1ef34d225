package buildcache

import (
	"slices"
	"strings"
	"testing"
)

func TestSkip(t *testing.T) {
	t.Parallel()
	known := sample(4000).Index
	legacy := sample(4000).Index
	legacy.modules[1].loose = true
	renamed := sample(4000).Index
	renamed.renamed = true
	content := []ModuleVersion{{"example.com/A", "v1.0.0"}}
	cases := []struct {
		name    string
		index   *Index
		imports []string
		content []ModuleVersion
		want    string // of A b c
	}{
		{"all there", known, []string{"example.com/A/sub", "example.com/b/v2"}, content, ""},
		{"of one module", known, []string{"example.com/b/v2/new"}, content, "b"},
		{"and what it requires", known, []string{"example.com/A", "example.com/A/new"}, content, "A b"},
		{"which does not tell", legacy, []string{"example.com/A/new"}, content, "A b c"},
		{"of one that does not tell", known, []string{"example.com/c"}, content, "A b c"},
		{"of no module", known, []string{"example.com/Anew"}, content, "A b c"},
		{"replaced", renamed, []string{"example.com/b/v2/new"}, content, "A b c"},
		{"replaced, but there", renamed, []string{"example.com/b/v2"}, content, ""},
		{"other version", known, nil, []ModuleVersion{{"example.com/A", "v1.0.1"}}, "A b c"},
	}
	for _, c := range cases {
		skip := c.index.Skip(c.imports, c.content)
		var got []string
		for i, m := range c.index.modules {
			if skip(m.ModuleVersion) {
				got = append(got, strings.Split("A b c", " ")[i])
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: skips %v, want %s", c.name, got, c.want)
		}
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	x := &Index{}
	for _, p := range []string{"a.b/c", "a.b/c/d", "a.b/c/de", "a.b/x"} {
		x.modules = append(x.modules, mod{ModuleVersion: ModuleVersion{p, "v1.0.0"}})
	}
	for path, want := range map[string][]int{"a.b/c/d": {0, 1}, "a.b/c/d/e": {0, 1}, "a.b/c/e": {0}, "a.b": nil, "a.b/cc": nil} {
		if got := x.owners(path); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func TestReadSums(t *testing.T) {
	t.Parallel()
	all, content := ReadSums([]byte("a.b/c v1.0.0 h1:x=\na.b/c v1.0.0/go.mod h1:y=\na.b/d v2.0.0+incompatible/go.mod h1:z=\n\nodd\r\n"))
	want := []ModuleVersion{{"a.b/c", "v1.0.0"}, {"a.b/c", "v1.0.0"}, {"a.b/d", "v2.0.0+incompatible"}}
	if !slices.Equal(all, want) || !slices.Equal(content, want[:1]) {
		t.Errorf("all %v, content %v", all, content)
	}
}
