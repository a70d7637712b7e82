package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// Purge is what a purge deletes or has deleted, as `purge --json` shows it.
type Purge struct {
	Migration string           `json:"migration"`
	DryRun    bool             `json:"dryRun"`
	Purged    *migration.Purge `json:"purged"`  // null: not yet
	Deleted   []Object         `json:"deleted"` // or would be
	Kept      []Object         `json:"kept"`
	Source    string           `json:"source"`
	// SourceKept is why the source stays; empty: it goes, or has gone.
	SourceKept string `json:"sourceKept"`
	// KeepsVersions says that the bucket keeps old versions of what was deleted.
	KeepsVersions bool `json:"keepsVersions"`
}

// Object is one object of the work bucket.
type Object struct {
	URI   string `json:"uri"`
	Bytes int64  `json:"bytes"`
}

// WritePurge writes it; the objects of a folder are one line.
func WritePurge(w io.Writer, p Purge) {
	switch {
	case p.Purged != nil:
		fmt.Fprintf(w, "%s: %s\n", p.Migration, Plain(p.Purged.Says()))
	default:
		fmt.Fprintf(w, "%s  not purged\n", p.Migration)
	}
	table(w, func(t io.Writer) {
		verb := "deleted"
		if p.DryRun {
			verb = "to be deleted"
		}
		objectsOf(t, verb, p.Deleted, p.folder())
		objectsOf(t, "kept", p.Kept, p.folder())
		if p.SourceKept != "" {
			fmt.Fprintf(t, "source kept\n  %s\t\t%s\n", Plain(p.Source), Plain(p.SourceKept))
		}
	})
}

// folder is where a migration's own objects lie, as a part of their URIs.
func (p Purge) folder() string { return "/" + migration.Key(p.Migration, "") }

func objectsOf(w io.Writer, title string, objects []Object, folder string) {
	var bytes int64
	for _, o := range objects {
		bytes += o.Bytes
	}
	fmt.Fprintf(w, "%s: %d objects, %s\n", title, len(objects), figures.Bytes(bytes))
	for _, g := range grouped(objects, folder) {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", Plain(g.name), figures.Bytes(g.bytes), g.count())
	}
}

// group is an object, or all those of a subfolder.
type group struct {
	name    string
	bytes   int64
	objects int
}

func (g group) count() string {
	if strings.HasSuffix(g.name, "/") {
		return fmt.Sprintf("%d objects", g.objects)
	}
	return ""
}

// grouped joins the objects of each subfolder, in the order of their first.
func grouped(objects []Object, folder string) []group {
	var groups []group
	at := map[string]int{}
	for _, o := range objects {
		name := o.URI
		if _, rest, own := strings.Cut(o.URI, folder); own {
			name = rest
			if sub, _, below := strings.Cut(rest, "/"); below {
				name = sub + "/"
			}
		}
		i, seen := at[name]
		if !seen {
			i = len(groups)
			at[name] = i
			groups = append(groups, group{name: name})
		}
		groups[i].bytes += o.Bytes
		groups[i].objects++
	}
	return groups
}
