package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/org/gorun-action/internal/shared"
	"github.com/org/gorun-action/internal/store/entry"
)

// item is an entry of a shared store.
type item struct {
	store string
	shared.Item
}

// cheap reports whether the beginning of an entry can be read for little.
func cheap(l shared.Layer) bool { return l.Name != shared.InActions }

func (c *command) listShared(ctx context.Context, layers []shared.Layer, long, asJSON bool) error {
	var all []item
	for _, l := range layers {
		items, err := l.Items(ctx, cheap(l))
		if err != nil {
			return err
		}
		for _, i := range items {
			all = append(all, item{l.Name, i})
		}
	}
	if asJSON {
		return writeSharedJSON(c.stdout, all)
	}
	return writeSharedTable(c.stdout, all, long, time.Now())
}

// sharedJSON is an entry of a shared store as --json prints it.
type sharedJSON struct {
	Store      string    `json:"store"`
	Key        string    `json:"key"`
	Kind       string    `json:"kind,omitempty"`
	Name       string    `json:"name,omitempty"`
	SHA256     string    `json:"sha256,omitempty"` // of the program
	Size       int64     `json:"size"`             // bytes in the store, -1 when it does not tell
	Created    time.Time `json:"created,omitzero"`
	Used       time.Time `json:"used,omitzero"`
	Toolchain  string    `json:"toolchain,omitempty"`
	Gorun      string    `json:"gorun,omitempty"`
	Repository string    `json:"repository,omitempty"`
	Ref        string    `json:"ref,omitempty"`
	Event      string    `json:"event,omitempty"`
	Signer     string    `json:"signer,omitempty"`
	Error      string    `json:"error,omitempty"` // why its beginning could not be read
}

func (i item) json() sharedJSON {
	j := sharedJSON{Store: i.store, Key: i.Key, Kind: shared.KindOf(i.Key), Size: i.Size, Created: i.Created.UTC(), Used: i.Used.UTC()}
	if i.Err != nil {
		j.Error = i.Err.Error()
	}
	if m := i.Manifest; m != nil {
		j.Kind, j.Name, j.SHA256, j.Toolchain, j.Gorun = m.Kind, m.Name, m.Content.SHA256, m.Toolchain, m.Gorun
		j.Repository, j.Ref, j.Event, j.Signer = m.Origin.Repository, m.Origin.Ref, m.Origin.Event, m.Signer
	}
	return j
}

func writeSharedJSON(w io.Writer, items []item) error {
	list := make([]sharedJSON, len(items)) // [] rather than null when empty
	for i := range items {
		list[i] = items[i].json()
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

func writeSharedTable(out io.Writer, items []item, long bool, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	more := func(columns ...string) string {
		if !long {
			return ""
		}
		return strings.Join(columns, "\t") + "\t"
	}
	fmt.Fprintf(w, "KIND\tSIZE\tCREATED\tPROGRAM\t%sSTORE\tKEY\n", more("TOOLCHAIN", "FROM", "SIGNER"))
	for _, i := range items {
		j := i.json()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s%s\t%s\n", kind(i), sharedSize(j.Size), sharedAge(now, j.Created), dash(plain(j.Name)),
			more(dash(plain(j.Toolchain)), dash(from(j)), signer(j.Signer)), i.store, i.Key)
	}
	return w.Flush()
}

func kind(i item) string {
	if errors.Is(i.Err, entry.ErrDamaged) || errors.Is(i.Err, entry.ErrSignature) {
		return "DAMAGED"
	}
	return dash(i.json().Kind)
}

// dash stands for what is not known.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func sharedSize(bytes int64) string {
	if bytes < 0 {
		return "-"
	}
	return size(bytes)
}

func sharedAge(now, then time.Time) string {
	if then.IsZero() {
		return "-"
	}
	return ago(now, then)
}

func from(j sharedJSON) string {
	return plain(strings.Join(strings.Fields(strings.Join([]string{j.Repository, j.Ref, j.Event}, " ")), " "))
}

// signer is the id of the key that signed, "-" for none.
func signer(text string) string {
	if text == "" {
		return "-"
	}
	key, err := entry.ParseKey(text)
	if err != nil {
		return "?"
	}
	return key.Verify.ID()
}
