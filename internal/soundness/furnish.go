package soundness

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// furnish puts what flags name beside the modules.
func (s *subject) furnish(t *tree) error {
	files := map[string]string{
		"out/overlay.json": overlayFile(map[string]string{
			t.abs(s.probe + "/lib/deep/deep.go"):  t.abs("out/deep.go"),
			t.abs(s.probe + "/lib/deep/extra.go"): t.abs("out/extra.go"),
			t.abs(s.probe + "/new/new.go"):        t.abs("out/new.go"),
			t.abs(s.probe + "/static/a.txt"):      t.abs("out/a.txt"),
			t.abs(s.probe + "/lib/lib_other.go"):  "",
		}),
		"out/deep.go":        "package deep\n\nconst Text = \"over 10\" + extra\n",
		"out/extra.go":       "package deep\n\nimport \"" + s.path + "/zz_probe/new\"\n\nconst extra = \"more 10\" + new.Text\n",
		"out/new.go":         "package new\n\nconst Text = \"new 10\"\n",
		"out/a.txt":          "overlaid 10\n",
		"out/script.map":     "{ local: zz10; };\n",
		"out/include/zz.h":   "#define ZZ 10\n",
		"home/.config/go/.k": "",
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if text, ok := t.read(s.module + "/" + name); ok {
			files["out/alt"+filepath.Ext(name)] = text
		}
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(t.abs(name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(t.abs(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return os.Symlink(t.abs(s.module), t.abs("out/link"))
}

func overlayFile(replace map[string]string) string {
	data, _ := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t") // a map of strings cannot fail
	return string(data) + "\n"
}
