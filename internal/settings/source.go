package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/yamlfile"
)

// Limits of a shop file and of each file that it names, in bytes.
const (
	maxFile  = 1 << 20
	maxNamed = 256 << 10
)

// Source is a shop file with the files that it names, as they are published.
type Source struct {
	File []byte `json:"file"`
	// Files are what the shop file names: logo, stylesheet, Markdown; by the name that it
	// has there.
	Files map[string][]byte `json:"files,omitempty"`
}

// Load reads a shop file and the files that it names, which are in its directory or below.
// One that is not there or too large is for [Read] to tell.
func Load(path string) (Source, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return Source{}, fmt.Errorf("read shop: %w", err)
	}
	defer func() { _ = root.Close() }()
	s, err := LoadFS(root.FS(), filepath.Base(path))
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("read shop %s: %w", path, failed.Err) // with the directory, as it was named
	}
	return s, err
}

// LoadFS is Load from a file system.
func LoadFS(fsys fs.FS, name string) (Source, error) {
	file, err := readFile(fsys, name, maxFile)
	if err != nil {
		return Source{}, fmt.Errorf("read shop: %w", err)
	}
	s := Source{File: file, Files: map[string][]byte{}}
	for _, named := range namedFiles(file) {
		if data, err := readFile(fsys, named, maxNamed); err == nil {
			s.Files[named] = data
		}
	}
	return s, nil
}

// readFile returns a file, of one that is too large the start: one byte more than it may have.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// namedFiles returns the names of the files that a shop file names, none of one that
// cannot be read.
func namedFiles(file []byte) []string {
	root, err := yamlfile.Parse(file)
	if err != nil {
		return nil
	}
	r := &reader{langs: languages(root)}
	r.look(root.Get("look"))
	r.pages(root.Get("pages"))
	return r.named
}

// file returns a file that the shop file names, nil with a problem.
func (r *reader) file(n *yamlfile.Node, path string, endings ...string) *File {
	name := r.Text(n, path, 200)
	if name == "" {
		return nil
	}
	if !fs.ValidPath(name) || strings.Contains(name, `\`) {
		r.Fail(n.Line, path, "%q is not a file in the directory of the shop file or below", name)
		return nil
	}
	if !slices.Contains(endings, strings.ToLower(filepath.Ext(name))) {
		r.Fail(n.Line, path, "%q does not end in %s", name, strings.Join(endings, " or "))
		return nil
	}
	r.named = append(r.named, name)
	data, there := r.files[name]
	switch {
	case !there:
		r.Fail(n.Line, path, "there is no file %q that can be read", name)
	case len(data) > maxNamed:
		r.Fail(n.Line, path, "%q is larger than %d KiB", name, maxNamed>>10)
	default:
		return &File{Name: name, Data: data}
	}
	return nil
}
